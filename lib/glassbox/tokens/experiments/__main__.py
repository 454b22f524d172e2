"""`python -m glassbox.tokens.experiments`: make the shipped sweeps again."""

from glassbox.tokens.experiments.sweeps import main

if __name__ == "__main__":
    main()
