"""`python -m glassbox.norms.experiments`: make the shipped sweeps again."""

from glassbox.norms.experiments.sweeps import main

if __name__ == "__main__":
    main()
