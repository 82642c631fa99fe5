"""Models of nearest neighbors that are fitted to fewer rows than they look for."""

from __future__ import annotations

from typing import Any

PARAMETER = "n_neighbors"


def clip_neighbors(model: Any, n_rows: int) -> tuple[str, ...]:
    """Let a model look for no more neighbors than there are rows, and return a note if it did.

    Parameters
    ----------
    model : estimator
        Not fitted; its ``n_neighbors``, if it has one, is set.
    n_rows : int
        Rows that it is fitted to.

    Notes
    -----
    A bag that is under-sampled to a class of two rows has four. scikit-learn's classifier refuses
    to predict then, while its outlier detector clips in the same way.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=5)
    >>> for note in clip_neighbors(model, n_rows=4):
    ...     print(note)
    model.estimator.n_neighbors=5 was clipped to the rows that the model was fitted to, of which \
there were fewer.
    >>> model.n_neighbors, clip_neighbors(model, n_rows=100)
    (4, ())
    """
    wanted = getattr(model, PARAMETER, None)
    if not isinstance(wanted, int) or wanted <= n_rows or PARAMETER not in model.get_params(False):
        return ()
    model.set_params(**{PARAMETER: n_rows})
    return (
        f"model.estimator.{PARAMETER}={wanted} was clipped to the rows that the model was fitted "
        "to, of which there were fewer.",
    )
