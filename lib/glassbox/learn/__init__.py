"""What is the learner's own: the folder of copies that a new version of the course never overwrites."""
