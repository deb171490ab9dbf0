"""Claims beside what was measured: a table that shows by how much each one holds."""

import pandas as pd
from IPython.display import Markdown


def claims_table(*claims):
    """A table of claims, to be shown in a notebook.

    Parameters
    ----------
    claims : tuples (claim, measured, relation, limit)
        The claim in words, two numbers, and "<" or ">" between them.

    Returns
    -------
    IPython.display.Markdown
        Columns claim, measured, limit, holds.
    """
    rows = [
        {
            "claim": claim,
            "measured": f"{measured:.3g}",
            "limit": f"{relation}\N{NO-BREAK SPACE}{limit:.3g}",
            "holds": "yes" if {"<": measured < limit, ">": measured > limit}[relation] else "NO",
        }
        for claim, measured, relation, limit in claims
    ]
    return Markdown(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))
