"""What the generative samplers share: one net a fold, conditional on class, and its picture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.resample.base import BaseOverSampler
from imbench.strategies.resample.encoding import ImageCodec, RowCodec, TableCodec
from imbench.strategies.resample.picture import picture

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True, eq=False)
class Examples:
    """Encoded training rows on the device, drawn from in batches.

    Parameters
    ----------
    x : Tensor of shape (n, width)
    condition : Tensor of shape (n, K)
        One value a class, 1 for the one that a row has.
    draw : callable
        Returns the row numbers of the next batch.
    codec : RowCodec
    """

    x: Tensor
    condition: Tensor
    draw: Callable[[], Tensor]
    codec: RowCodec


class GenerativeSampler(BaseOverSampler):
    """Base of a sampler that learns the rows of all classes with one net and makes new ones.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    latent_dim : int
        Random numbers that a row is made from.
    hidden : sequence of int
        Widths of the hidden layers.
    n_steps : int
        Steps of the generator's optimiser. Not epochs: the cost then does not grow with the
        table, and a class of few rows is seen as often in a small table as in a large one.
    batch_size : int
    lr : float
        Of Adam.
    categorical_features : sequence of int, default=()
        Columns that hold category codes; imbench puts in those of the data set.
    input_shape : tuple of int or None
        ``(channels, height, width)`` of images; imbench puts in that of the data set.
    device : {"auto", "cpu", "cuda"}, default="auto"
    random_state : int or None

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        New rows a class.
    picture_ : Picture or None
        None if no class was to grow.
    device_ : str
    """

    def __init__(
        self,
        sampling_strategy: Any,
        latent_dim: int,
        hidden: Sequence[int],
        n_steps: int,
        batch_size: int,
        lr: float,
        categorical_features: Sequence[int],
        input_shape: tuple[int, int, int] | None,
        device: str,
        random_state: int | None,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.latent_dim = latent_dim
        self.hidden = hidden
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.lr = lr
        self.categorical_features = categorical_features
        self.input_shape = input_shape
        self.device = device

    def rows_needed(self) -> int:
        """Return four: our choice, no paper names a number."""
        return 4

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        for name in ("latent_dim", "n_steps", "batch_size"):
            check_count(name, getattr(self, name))
        if not self.hidden or not all(_is_count(width) for width in self.hidden):
            raise ValueError(f"hidden must be a list of widths above 0, got {self.hidden!r}.")
        if not is_number(self.lr) or not 0 < self.lr < float("inf"):
            raise ValueError(f"lr must be a number above 0, got {self.lr!r}.")
        if self.device != "cpu":  # the choice between the others loads PyTorch
            from imbench.strategies.nets.device import select_device

            select_device(self.device)

    @abstractmethod
    def learn(self, examples: Examples, generator: Generator) -> Callable[[Tensor], Tensor]:
        """Train on the rows of all classes.

        Called by :meth:`make` once a training part.

        Parameters
        ----------
        examples : Examples
        generator : torch.Generator
            The only source of random numbers.

        Returns
        -------
        callable
            For a condition of shape (m, K), m encoded rows.
        """

    def make(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        grown: Mapping[Any, int],
        rng: np.random.RandomState,
    ) -> dict[Any, NDArray[Any]]:
        """Return new rows of the classes that are to grow, drawn from one net.

        Raises
        ------
        ValueError
            If the net has no finite rows to give.
        """
        self.picture_ = None
        if not grown:
            return {}
        import torch

        from imbench.strategies.nets.device import select_device

        codec = self._codec(X)
        classes, codes = np.unique(y, return_inverse=True)
        device = select_device(self.device)
        generator = torch.Generator(device).manual_seed(int(rng.randint(2**31 - 1)))
        encoded = codec.encode(X)
        examples = _examples(encoded, codes, len(classes), codec, self.batch_size, generator)
        sample = self.learn(examples, generator)
        made = {}
        with torch.inference_mode():
            for label, n_new in grown.items():
                condition = torch.zeros(n_new, len(classes), device=device)
                condition[:, int(np.flatnonzero(classes == label)[0])] = 1
                rows = sample(condition).cpu().numpy()
                if not np.isfinite(rows).all():
                    raise ValueError(f"training diverged with lr={self.lr}: set a lower lr.")
                made[label] = codec.decode(rows)
        self.picture_ = picture(encoded, y, made, codec, self.input_shape, rng)
        self.device_ = str(device)
        return made

    def _codec(self, X: NDArray[Any]) -> RowCodec:
        """Learn how the rows are encoded; images are rows that come with a shape.

        Raises
        ------
        ValueError
            If the shape has another number of pixels than the rows.
        """
        if self.input_shape is None:
            return TableCodec.fit(X, self.categorical_features)
        if np.prod(self.input_shape) != X.shape[1]:
            raise ValueError(
                f"input_shape={tuple(self.input_shape)} has {np.prod(self.input_shape)} pixels, "
                f"but the rows have {X.shape[1]} columns."
            )
        return ImageCodec.fit(X)


def _examples(
    encoded: NDArray[np.float32],
    codes: NDArray[np.int64],
    n_classes: int,
    codec: RowCodec,
    batch_size: int,
    generator: Generator,
) -> Examples:
    """Put the rows on the generator's device; a class is drawn in proportion to log(1 + n_c).

    Between the data's own shares, with which a rare class is hardly ever seen, and equal ones,
    with which its few rows are learnt by heart (Xu et al. 2019, section 4.3).
    """
    import torch

    from imbench.strategies.batches.draw import draw_rows, rows_by_class

    y = torch.tensor(codes, device=generator.device)
    groups = rows_by_class(y, n_classes)
    shares = groups.counts.double().log1p()
    return Examples(
        torch.tensor(encoded, device=generator.device),
        torch.nn.functional.one_hot(y, n_classes).float(),
        lambda: draw_rows(groups, shares, batch_size, generator),
        codec,
    )


def check_count(name: str, value: Any) -> None:
    """Raise ValueError unless a parameter is an integer of at least 1."""
    if not _is_count(value):
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")


def _is_count(value: Any) -> bool:
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_whole and bool(value >= 1)


def is_number(value: Any) -> bool:
    """Whether a parameter is a real number, which True is not."""
    return isinstance(value, Real) and not isinstance(value, bool)
