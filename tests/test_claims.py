"""A table of claims shows sizes, and does not hide what fails."""

from helpers.support.claims import claims_table


def test_each_claim_stands_beside_its_number_and_limit():
    table = claims_table(("small", 0.01234, "<", 0.02), ("large", 3, ">", 4)).data
    *_, small, large = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.split("\n")
    ]
    assert small == ["small", "0.0123", "<\N{NO-BREAK SPACE}0.02", "yes"]
    assert large == ["large", "3", ">\N{NO-BREAK SPACE}4", "NO"]


def test_what_is_no_number_does_not_hold():
    assert "NO" in claims_table(("lost", float("nan"), "<", 1)).data
