"""`python -m glassbox.attention.experiments`: make the shipped sweeps again."""

from glassbox.attention.experiments.sweeps import main

if __name__ == "__main__":
    main()
