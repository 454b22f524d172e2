"""`python -m glassbox.flash.experiments`: make the shipped sweeps again."""

from glassbox.flash.experiments.sweeps import main

if __name__ == "__main__":
    main()
