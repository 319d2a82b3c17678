"""The protocol between kernel and page: generated types and the codec."""

from glassblock.wire.codec import VERSION, buffer, columns, decode, request_id, schema, validator

__all__ = ["VERSION", "buffer", "columns", "decode", "request_id", "schema", "validator"]
