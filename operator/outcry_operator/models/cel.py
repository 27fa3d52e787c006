"""CEL expressions over decimal strings.

CEL has 64-bit integers and no decimals, and the API server refuses rules whose worst-case cost is high. So a
decimal is taken apart with string functions, which are cheap on short strings, into digits and a count of
decimals. The functions here write those expressions; each argument is itself an expression.
"""

from __future__ import annotations

_ZEROS = "'000000000000000000'"

# A CEL integer holds 18 digits whatever they are.
MAX_DIGITS = 18


# One entry of `x-kubernetes-validations`: its rule and its message.
Rule = dict[str, str]


def rule(expression: str, message: str) -> Rule:
    """The rule that holds when the expression is true, and what the API server says when it isn't."""
    return {"rule": expression, "message": message}


def immutable(what: str, *, because: str = "the pair's log was written with it") -> Rule:
    """The rule that a field keeps the value with which the object was made."""
    return rule("self == oldSelf", f"{what} is immutable: {because}. Make a new pair instead")


def when(condition: str, then: str) -> str:
    """The second, where the first holds.

    A value that breaks its pattern is named by that alone: rules that can't be computed on it stay silent.
    """
    return f"!({condition}) || ({then})"


def is_decimal(text: str) -> str:
    """The text is a decimal without a sign, so that `digits` can count on it."""
    return f"{text}.matches('^[0-9]+([.][0-9]+)?$')"


def duration_between(text: str, low: str, high: str) -> str:
    """The duration is between low and high, both included."""
    within = f"duration({text}) >= duration('{low}') && duration({text}) <= duration('{high}')"
    return when(f"{text}.matches('^[0-9]{{1,6}}(ms|s|m)$')", within)


def quantity_at_least(text: str, low: str, *, more: bool = False) -> str:
    """The quantity is at least low, or more than that."""
    return when(
        f"isQuantity({text})", f"quantity({text}).compareTo(quantity('{low}')) {'>' if more else '>='} 0"
    )


def decimals(text: str) -> str:
    """How many digits stand behind the point."""
    return f"({text}.contains('.') ? size({text}) - {text}.indexOf('.') - 1 : 0)"


def digits(text: str) -> str:
    """All digits as one integer: 0.25 gives 25."""
    return f"int({text}.replace('.', ''))"


def pow10(exponent: str) -> str:
    """Ten to the exponent, 0 to 18."""
    return f"int('1' + {_ZEROS}.substring(0, {exponent}))"


def positive(text: str) -> str:
    """The decimal is not zero (its pattern already excludes a sign)."""
    return f"{text}.matches('[1-9]')"


def is_off(text: str) -> str:
    """The decimal is zero."""
    return f"!{positive(text)}"


def less(left: str, right: str) -> str:
    """The left is less than the right, by comparing both padded to 18 digits on either side of the point."""
    return f"{_padded(left)} < {_padded(right)}"


def multiple(value: str, step: str) -> str:
    """The value is a whole multiple of step; true, too, where that can't be computed (see `fits`)."""
    known = f"{is_decimal(value)} && {is_decimal(step)} && {positive(step)} && {fits(value, step)}"
    return when(
        known,
        f"[{decimals(value)}].all(v, [{decimals(step)}].all(s, [v > s ? v : s].all(f, "
        f"({digits(value)} * {pow10('f - v')}) % ({digits(step)} * {pow10('f - s')}) == 0)))",
    )


def fits(value: str, step: str) -> str:
    """Both can be written with the decimals of the finer one in at most 18 digits."""
    whole = f"({value}.contains('.') ? {value}.indexOf('.') : size({value}))"
    finer = f"({decimals(value)} > {decimals(step)} ? {decimals(value)} : {decimals(step)})"
    return f"{whole} + {finer} <= {MAX_DIGITS}"


def product_has_decimals(left: str, right: str, at_most: str) -> str:
    """The product needs no more than so many decimals. Each factor must have at most 9 significant digits."""
    return (
        f"[{decimals(left)} + {decimals(right)} - {at_most}].all(n, n <= 0 || (n <= {MAX_DIGITS} && "
        f"({digits(left)} * {digits(right)}) % {pow10('n')} == 0))"
    )


def _padded(text: str) -> str:
    whole = f"({text}.contains('.') ? {text}.substring(0, {text}.indexOf('.')) : {text})"
    part = f"({text}.contains('.') ? {text}.substring({text}.indexOf('.') + 1) : '')"
    left = f"({_ZEROS} + {whole}).substring(size({whole}))"
    right = f"({part} + {_ZEROS}).substring(0, {MAX_DIGITS})"
    return f"({left} + {right})"
