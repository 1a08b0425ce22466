"""Decide over a tree of values: the answer of least expected cost instead of the most likely one.

In: calibrated chances of a field's values, and the taxonomy's tree over them. Out: a value, one of its parents, or
nothing at all (the root). Conditional risk minimisation (Duda & Hart 1973; on the trees of deep networks Karthik et
al., ICLR 2021, 'No Cost Likelihood Manipulation at Test Time for Making Better Mistakes'):
argmin over answers a of sum over values k of C(a, k) p(k).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from dataset.errors import UsageError
from dataset.taxonomy import Taxonomy

Floats = npt.NDArray[np.float64]
Name = tuple[str, str]  # field, value
Costs = Literal["height", "edges"] | Mapping[str, Mapping[str, float]]
ROOT: Name = ("", "")
_TIE = 1e-9


@dataclass(frozen=True)
class Tree:
    """`names[0]` is the root, `parents[i]` the place of a name's parent (the root's own is 0), `values` the places of
    the values that have a chance, in the order of those."""

    names: tuple[Name, ...]
    parents: tuple[int, ...]
    values: tuple[int, ...]

    def line(self, place: int) -> list[int]:
        """A place and all over it, the root last."""
        found = [place]
        while found[-1] != 0:
            found.append(self.parents[found[-1]])
        return found

    def meet(self, one: int, other: int) -> int:
        """The lowest common ancestor; of a place and its parent it is the parent."""
        over = set(self.line(one))
        return next(place for place in self.line(other) if place in over)

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """Steps from each place down to the farthest of its values."""
        found = [0] * len(self.names)
        for value in self.values:
            for steps, place in enumerate(self.line(value)):
                found[place] = max(found[place], steps)
        return tuple(found)

    @cached_property
    def under(self) -> npt.NDArray[np.bool_]:
        """(names, values): whether a value is the name or lies under it."""
        return np.array([[place in self.line(value) for value in self.values] for place in range(len(self.names))])


def tree_of(taxonomy: Taxonomy, field: str, values: Sequence[str], above: str | None = None) -> Tree:
    """The part of a field's tree that holds `values` and all over them. With `above`, a root value hangs below the
    value of that field which it implies, and that below its own parents."""
    names: list[Name] = [ROOT]
    parents = [0]

    def place(name: Name) -> int:
        if name not in names:
            over = _over(taxonomy, name, field, above)
            parent = 0 if over is None else place(over)
            names.append(name)
            parents.append(parent)
        return names.index(name)

    places = tuple(place((field, value)) for value in values)
    return Tree(tuple(names), tuple(parents), places)


def _over(taxonomy: Taxonomy, name: Name, field: str, above: str | None) -> Name | None:
    own, value = name
    parent = taxonomy.value(own, value).parent
    if parent is not None:
        return own, parent
    implied = taxonomy.implied(own, value).get(above) if above is not None and own == field else None
    return None if implied is None or above is None else (above, implied)


def costs_of(tree: Tree, costs: Costs) -> Floats:
    """(names, values) cost of an answer where a value is the truth. 'height' of their lowest common ancestor
    (Bertinetto et al., CVPR 2020, 'Making Better Mistakes'); 'edges' between them (Dekel, Keshet & Singer, ICML 2004);
    or a table said -> truth -> cost over 'edges'. Under 'height' no parent ever costs less than the values below it, so
    a parent is only answered under 'edges' or a table. Raises UsageError for a word that is not in the tree."""
    counted = [[_cost(tree, place, value, costs) for value in tree.values] for place in range(len(tree.names))]
    found = np.array(counted, float)
    if not isinstance(costs, str):
        _put(tree, costs, found)
    return found


def _cost(tree: Tree, said: int, truth: int, costs: Costs) -> int:
    meet = tree.meet(said, truth)
    if costs == "height":
        return tree.heights[meet]
    return tree.line(said).index(meet) + tree.line(truth).index(meet)


def _put(tree: Tree, table: Mapping[str, Mapping[str, float]], found: Floats) -> None:
    words = [value for _, value in tree.names]
    truths = [words[place] for place in tree.values]
    for said, row in table.items():
        for truth, cost in row.items():
            if said not in words or truth not in truths:
                strange = said if said not in words else truth
                raise UsageError(f"costs name '{strange}'", expected=", ".join(filter(None, words)))
            found[words.index(said), truths.index(truth)] = cost


@dataclass(frozen=True)
class Decision:
    """`name` is `ROOT` where no answer at all costs least. `chance` is that of the answer being true, `cost` its
    expected cost, `likely` and `likely_cost` those of the most likely value."""

    name: Name
    chance: float
    cost: float
    likely: Name
    likely_cost: float


def decide(tree: Tree, chances: Floats, costs: Floats, inner: bool = True) -> Decision:
    """The answer of least expected cost; of equals the one farther down, then the more likely, then the first. Without
    `inner` only values are answered. `chances` (K,) sum to 1; `costs` from `costs_of`."""
    expected, chance = costs @ chances, tree.under @ chances
    allowed = range(len(tree.names)) if inner else tree.values
    least = min(float(expected[place]) for place in allowed)
    equals = [place for place in allowed if expected[place] <= least + _TIE]
    best = min(equals, key=lambda place: (-len(tree.line(place)), -chance[place], place))
    likely = tree.values[int(np.argmax(chances))]
    return Decision(
        tree.names[best], float(chance[best]), float(expected[best]), tree.names[likely], float(expected[likely])
    )
