"""The conversion of values between documents and BSON."""

from decimal import Decimal
from functools import lru_cache
from struct import Struct

from bson.codec_options import CodecOptions, TypeCodec, TypeRegistry
from bson.decimal128 import Decimal128

from app.cqrs.documents.read_model import Document

CACHED_DECIMALS = 50_000
"""Decimals that are cached, in each direction: converting one takes 4 µs, and the same amounts recur."""

_BITS = Struct("<QQ")


class _DecimalCodec(TypeCodec):
    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value: Decimal) -> Decimal128:
        return _encoded(str(value))  # 1.10 and 1.1 are equal, and are stored as they are written.

    def transform_bson(self, value: Decimal128) -> Decimal:
        return _decimal(value.__getstate__())  # The two halves of its bits, sooner than `bid` joins them.


@lru_cache(CACHED_DECIMALS)
def _encoded(text: str) -> Decimal128:
    return Decimal128(text)


@lru_cache(CACHED_DECIMALS)
def _decimal(halves: tuple[int, int]) -> Decimal:
    high, low = halves
    return Decimal128.from_bid(_BITS.pack(low, high)).to_decimal()


CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_DecimalCodec()]))
"""The conversion of values: decimals are exact, times are in UTC."""
