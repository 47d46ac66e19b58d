"""K2: what runs in parallel comes together again."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.tokens import played


@rule(
    "K212",
    ERROR,
    what=Text("汇合“{name}”可能永远等不齐", "The join {name} can wait for ever"),
    do=Text("请让每条进入的路都从同一个并行分支来", "Let every way into it come from one parallel fork"),
    why="One of its ways may never be taken, and then the instance is stuck.",
)
def joins_fire(deployment: Deployment) -> Iterator[Hit]:
    """Every parallel join gets all its tokens."""
    return (node.at() for game in deployment.once(played).values() for node in game.dead_joins)


@rule(
    "K213",
    ERROR,
    what=Text("“{name}”之后的路会走两遍", "The way after {name} is walked twice"),
    do=Text("请用并行网关汇合并行的路", "Join parallel ways with a parallel gateway"),
    why="Two tokens on one way do every step after it twice.",
)
def ways_are_walked_once(deployment: Deployment) -> Iterator[Hit]:
    """Parallel ways are joined before they meet; the place is where they meet."""
    return (node.at() for game in deployment.once(played).values() for node in game.doubled if len(node.incoming) > 1)


@rule(
    "K214",
    ERROR,
    what=Text("结束事件“{name}”会覆盖另一条并行路的结果", "The end {name} overwrites the outcome of a parallel way"),
    do=Text("请先汇合，再以一个结果结束", "Join the ways first and end with one outcome"),
    why="The last one wins, silently.",
)
def one_end_speaks(deployment: Deployment) -> Iterator[Hit]:
    """Only one end event with an outcome is reached in a run."""
    return (node.at() for game in deployment.once(played).values() for node in game.second_ends)


@rule(
    "K215",
    ERROR,
    what=Text("“{name}”中并行的组合太多，无法查完", "{name} has too many parallel combinations to be checked"),
    do=Text("请减少并行的路，或放进被调用的流程", "Use fewer parallel ways, or put them into called processes"),
    why="What was not checked is not deployed.",
)
def games_end(deployment: Deployment) -> Iterator[Hit]:
    """Each diagram is small enough to be played to the end."""
    return (scope.at() for scope, game in deployment.once(played).items() if game.unfinished)
