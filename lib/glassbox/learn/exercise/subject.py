"""A function under observation: what it does in each trial, asked for once and remembered."""

from collections.abc import Callable

from glassbox.learn.exercise.bounded import Observation, Session, observe
from glassbox.learn.exercise.plan import Plan, Trial


class Subject:
    """The learner's function in its session, or one of the exercise's own functions in this process."""

    def __init__(self, plan: Plan, run: Callable[..., Observation]):
        self.plan, self.run, self.seen = plan, run, {}

    def values(self, trial: Trial) -> Observation:
        """Return the result of a trial, and its arguments afterwards."""
        return self._once((trial, "values"), trial.args)

    def gradients(self, trial: Trial) -> Observation:
        """Return the gradients of a trial."""
        return self._once((trial, "gradients"), trial.args, cotangents=trial.cotangents)

    def cost(self) -> Observation:
        """Return the cost of the call that the budget is for."""
        return self._once("cost", self.plan.budget_args, unit=self.plan.exercise.budget.unit)

    def _once(self, key, args: tuple, **options) -> Observation:
        if key not in self.seen:
            self.seen[key] = self.run(args, **options)
        return self.seen[key]


def remote(plan: Plan, session: Session) -> Subject:
    """Watch a function in a process of its own."""
    return Subject(plan, session.observe)


def local(plan: Plan, function: Callable) -> Subject:
    """Watch one of the exercise's own functions, which is trusted."""
    return Subject(plan, lambda args, **options: observe(function, args, **options))
