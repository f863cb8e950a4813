"""Payment card numbers: an issuer's prefix, its lengths, and the Luhn check digit (ISO/IEC 7812)."""

# (first, last) of the leading digits, and the lengths in use. Visa's 13 digits are left out: no longer
# issued, and the length of the bar codes of goods.
ISSUERS = (
    (("4", "4"), (16, 19)),  # Visa
    (("51", "55"), (16,)),  # Mastercard
    (("2221", "2720"), (16,)),
    (("34", "34"), (15,)),  # American Express
    (("37", "37"), (15,)),
    (("300", "305"), (14, 16)),  # Diners Club
    (("36", "36"), (14, 16)),
    (("38", "39"), (14, 16)),
    (("6011", "6011"), (16, 19)),  # Discover
    (("644", "659"), (16, 19)),
    (("3528", "3589"), (16, 19)),  # JCB
    (("62", "62"), (16, 17, 18, 19)),  # UnionPay
)


def is_card_number(text: str) -> bool:
    """Whether the digits of `text`, which may hold single spaces or dashes, are those of a payment card."""
    digits = text.replace(" ", "").replace("-", "")
    if not (14 <= len(digits) <= 19 and digits.isascii() and digits.isdigit()):
        return False
    return _is_issued(digits) and luhn_holds(digits)


def _is_issued(digits: str) -> bool:
    return any(low <= digits[: len(low)] <= high and len(digits) in lengths for (low, high), lengths in ISSUERS)


def luhn_holds(digits: str) -> bool:
    """Every second digit from the right doubled, digits summed: a multiple of ten."""
    odd = sum(int(digit) for digit in digits[-1::-2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (odd + even) % 10 == 0
