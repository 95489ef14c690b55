"""Attention over the encoder's past: additive, multiplicative and multi-head, behind one interface.

Letters: B origins, O origins of one series, T steps, L lookback, K queries from one origin, H hidden, A heads,
d = H / A. s is the query, h_j the state j of a memory, α_j how much of it is looked at; [;] is put side by side.

What is looked at is a `Memory`: the last L states up to and with an origin, so nothing ever looks ahead. A long
series read in pieces hands the memory after one piece to the next, and finds there what it would have found at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from foregate.core import UsageError, at_least, listed
from foregate.models.names import ATTENTIONS, AttentionName

__all__ = [
    "Additive",
    "Attended",
    "Attention",
    "Dot",
    "General",
    "Memory",
    "MultiHead",
    "entropy",
    "make_attention",
    "remember",
]


class Memory(NamedTuple):
    """The last L states up to an origin, the newest last; where there were fewer, the first places are empty."""

    keys: Tensor
    """(..., L, H) states; 0 in empty places."""
    there: Tensor
    """(..., L) bool: which places hold a state."""

    @classmethod
    def empty(cls, states: Tensor, lookback: int) -> Memory:
        """The memory (B, L, H) of series with states (B, T, H) before the first of them was read."""
        B, _, H = states.shape
        return cls(states.new_zeros(B, lookback, H), states.new_zeros(B, lookback, dtype=torch.bool))


def remember(states: Tensor, origins: Tensor, before: Memory, read: Tensor | None = None) -> Memory:
    """What is remembered at origins of a piece of each series, as many states as `before` has places for.

    The memory to hand on to the next piece is the one at the last step.

    Args:
        states: (B, T, H) of the encoder.
        origins: (B, O) the step each origin lies at; -1 for the memory before the first step.
        before: the memory (B, L, H) when the piece began.
        read: (B, T) bool, which states mean anything; all of them when not given. The others leave empty places.

    Returns:
        the memory (B, O, L, H) at every origin.

    Examples:
        >>> states = torch.arange(1.0, 6).reshape(1, 5, 1)
        >>> memory = remember(states, torch.tensor([[0, 4]]), Memory.empty(states, 3))
        >>> memory.keys[0, :, :, 0]
        tensor([[0., 0., 1.],
                [3., 4., 5.]])
        >>> memory.there[0]
        tensor([[False, False,  True],
                [ True,  True,  True]])
    """
    B, T, H = states.shape
    L = before.keys.shape[-2]
    if read is None:
        read = torch.ones(B, T, dtype=torch.bool, device=states.device)
    states = states.masked_fill(~read.unsqueeze(-1), 0)
    keys, there = torch.cat([before.keys, states], 1), torch.cat([before.there, read], 1)
    first = torch.arange(B, device=states.device).reshape(B, 1, 1) * (L + T)
    place = first + origins.unsqueeze(-1) + 1 + torch.arange(L, device=states.device)  # (B, O, L) in (B (L + T),)
    found = keys.reshape(-1, H).index_select(0, place.flatten()).reshape(*place.shape, H)
    return Memory(found, there.flatten()[place])


class Attended(NamedTuple):
    """What a query found."""

    context: Tensor
    """(..., H) the states that it looked at, weighted; 0 where the memory is empty."""
    weights: Tensor
    """(..., A, L) how much of each state, summing to 1 over L; 0 for empty places."""


class Attention(nn.Module, ABC):
    """Compares a query with the states of a memory and returns a weighted mean of them.

    LSTM states know what was read but not how long ago. With `positions`, a learnt vector for every place of the
    memory is added to its state where it is compared, not where it is returned (Shaw et al. 2018), so that a query
    can ask for what lies 50 steps back. It is 0 at first.

    Args:
        hidden: H, of queries and states.
        positions: L, places of the memory that are told apart by how far they lie back; 0 for none.
    """

    def __init__(self, hidden: int, positions: int = 0) -> None:
        super().__init__()
        at_least(1, hidden=hidden)
        at_least(0, positions=positions)
        self.hidden = hidden
        self.positions = nn.Parameter(torch.zeros(positions, hidden)) if positions else None

    @property
    def heads(self) -> int:
        """A, how many weights each state gets."""
        return 1

    def attend(self, query: Tensor, keys: Tensor, there: Tensor) -> Attended:
        """Look at a memory; what lies in its empty places is never read.

        Args:
            query: (..., H), or (..., K, H) for K queries to the same memory.
            keys: (..., L, H)
            there: (..., L) bool, which places hold a state.

        Returns:
            contexts (..., H) or (..., K, H), and weights (..., A, L) or (..., K, A, L).

        Raises:
            UsageError: the memory has another number of places than `positions`.
        """
        if self.positions is not None and len(self.positions) != keys.shape[-2]:
            raise UsageError(
                f"the memory must have {len(self.positions)} places, as many as positions, but got {keys.shape[-2]}. "
                "Read it with that lookback."
            )
        single = query.ndim < keys.ndim
        queries = query.unsqueeze(-2) if single else query
        keys = keys.masked_fill(~there.unsqueeze(-1), 0)
        context, weights = self._look(queries, keys, there.unsqueeze(-2).unsqueeze(-2))
        return Attended(context.squeeze(-2), weights.squeeze(-3)) if single else Attended(context, weights)

    @abstractmethod
    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """How well queries (..., K, H) fit keys (..., L, H), in each head: (..., K, A, L)."""

    def _look(self, query: Tensor, keys: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts (..., K, H) and weights (..., K, A, L) of queries (..., K, H); `there` is (..., 1, 1, L)."""
        weights = softmax_of(self._scores(query, self._placed(keys)), there)
        return weights.squeeze(-2) @ keys, weights  # c = Σ_j α_j h_j

    def _placed(self, keys: Tensor) -> Tensor:
        """States with the vectors of their places."""
        return keys if self.positions is None else keys + self.positions


class Additive(Attention):
    """A small network compares query and state (Bahdanau, Cho and Bengio 2015).

        e_j = v · tanh(W s + U h_j)     (1) how well state j fits
        α_j = exp(e_j) / Σ_i exp(e_i)   (2) how much it is looked at
        c   = Σ_j α_j h_j               (3) what is seen

    Examples:
        >>> keys, there = torch.ones(5, 7, 4), torch.ones(5, 7, dtype=torch.bool)
        >>> context, weights = Additive(4).attend(torch.ones(5, 4), keys, there)
        >>> context.shape, weights.shape
        (torch.Size([5, 4]), torch.Size([5, 1, 7]))
    """

    def __init__(self, hidden: int, positions: int = 0) -> None:
        super().__init__(hidden, positions)
        self.W = nn.Linear(hidden, hidden, bias=False)
        self.U = nn.Linear(hidden, hidden, bias=False)
        self.v = nn.Parameter(torch.empty(hidden).uniform_(-(hidden**-0.5), hidden**-0.5))

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        compared = torch.tanh(self.W(query).unsqueeze(-2) + self.U(keys).unsqueeze(-3))  # (..., K, L, H)
        return (compared @ self.v).unsqueeze(-2)  # (1)


class Dot(Attention):
    """The inner product of query and state (Luong, Pham and Manning 2015, "dot").

        e_j = s · h_j                   (1) how well state j fits
        α_j = exp(e_j) / Σ_i exp(e_i)   (2) how much it is looked at
        c   = Σ_j α_j h_j               (3) what is seen

    Examples:
        >>> keys, there = torch.ones(5, 7, 4), torch.ones(5, 7, dtype=torch.bool)
        >>> Dot(4).attend(torch.ones(5, 3, 4), keys, there).weights.shape  # three queries each
        torch.Size([5, 3, 1, 7])
    """

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        return (query @ keys.mT).unsqueeze(-2)  # (1)


class General(Attention):
    """The inner product after a learnt matrix (Luong, Pham and Manning 2015, "general").

    e_j = s · W h_j                 (1) how well state j fits
    α_j = exp(e_j) / Σ_i exp(e_i)   (2) how much it is looked at
    c   = Σ_j α_j h_j               (3) what is seen
    """

    def __init__(self, hidden: int, positions: int = 0) -> None:
        super().__init__(hidden, positions)
        self.W = nn.Linear(hidden, hidden, bias=False)

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        return (query @ self.W.weight @ keys.mT).unsqueeze(-2)  # (1)


class MultiHead(Attention):
    """A scaled inner products side by side (Vaswani et al. 2017).

        q^a = W_Q^a s,  k_j^a = W_K^a h_j,  v_j^a = W_V^a h_j     (1) a view of d numbers for every head a
        α_j^a = softmax_j(q^a · k_j^a / √d)                       (2) how much it is looked at
        z^a = Σ_j α_j^a v_j^a                                     (3) what each head sees
        c = W_O [z^1; …; z^A]                                     (4) what is seen

    Args:
        hidden: H, a multiple of the heads.
        heads: A.
        positions: as in every attention.
    """

    def __init__(self, hidden: int, heads: int = 4, positions: int = 0) -> None:
        super().__init__(hidden, positions)
        at_least(1, heads=heads)
        if hidden % heads:
            raise UsageError(
                f"heads must divide hidden, but got {heads} heads for {hidden} units. Give for example heads=1."
            )
        self._heads = heads
        self.W_Q = nn.Linear(hidden, hidden, bias=False)
        self.W_K = nn.Linear(hidden, hidden, bias=False)
        self.W_V = nn.Linear(hidden, hidden, bias=False)
        self.W_O = nn.Linear(hidden, hidden, bias=False)

    @property
    def heads(self) -> int:
        """A, how many weights each state gets."""
        return self._heads

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        q, k = self._split(self.W_Q(query)), self._split(self.W_K(keys))  # (1)
        scores: Tensor = (q @ k.mT).transpose(-3, -2) / (self.hidden // self._heads) ** 0.5  # (2), before the softmax
        return scores

    def _look(self, query: Tensor, keys: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        weights = softmax_of(self._scores(query, self._placed(keys)), there)  # (2)
        seen = weights.transpose(-3, -2) @ self._split(self.W_V(keys))  # (3)
        context: Tensor = self.W_O(seen.transpose(-3, -2).flatten(-2))  # (4)
        return context, weights

    def _split(self, projected: Tensor) -> Tensor:
        """(..., n, H) to the d numbers of each head: (..., A, n, d)."""
        return projected.reshape(*projected.shape[:-1], self._heads, -1).transpose(-3, -2)


def softmax_of(scores: Tensor, there: Tensor) -> Tensor:
    """The softmax over what is there, exactly 0 elsewhere, and 0 everywhere where nothing is there.

    Empty places get the lowest finite score rather than minus infinity, whose softmax over nothing is not a number.
    """
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~there, lowest), -1).masked_fill(~there, 0)


def entropy(weights: Tensor, there: Tensor) -> Tensor:
    """How evenly a query looks at what is there: 0 at a single state, 1 at all of them alike.

    Add its mean to a loss to make attention sharp, or take it away to keep it broad.

    Args:
        weights: (..., A, L), or (..., K, A, L) of K queries to the same memory.
        there: (..., L) bool.

    Returns:
        (..., A) or (..., K, A): -Σ_j α_j log α_j / log n for n states; 0 where there are fewer than two.

    Examples:
        >>> weights = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0, 1, 0, 0]])
        >>> entropy(weights, torch.ones(4, dtype=torch.bool))
        tensor([1., 0.])
    """
    surprise = (weights * -weights.clamp_min(torch.finfo(weights.dtype).tiny).log()).sum(-1)
    n = there.sum(-1)[(..., *[None] * (weights.ndim - there.ndim))]
    return torch.where(n > 1, surprise / n.clamp_min(2).log(), 0)


def make_attention(name: AttentionName, hidden: int, heads: int = 4, positions: int = 0) -> Attention:
    """The attention of that name.

    Args:
        name: one of `foregate.models.names.ATTENTIONS`.
        hidden: H, of queries and states.
        heads: A, of "multi-head" alone.
        positions: places of the memory that are told apart; 0 for none.

    Raises:
        UsageError: there is no such attention, or the heads do not divide the units.
    """
    if name == "multi-head":
        return MultiHead(hidden, heads, positions)
    plain: dict[str, type[Additive | Dot | General]] = {"additive": Additive, "dot": Dot, "general": General}
    if name not in plain:
        raise UsageError(f"attention must be one of {listed(ATTENTIONS)}, but got {name!r}.")
    return plain[name](hidden, positions)
