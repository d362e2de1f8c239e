"""Pairs of a schema and a value, drawn from a seed within the subset of docs/SCHEMAS.md.

Values come as JSON text, so that 1, 1.0 and 10e-1 are different spellings of one number. `verdict` is what Python's
`jsonschema` says, with decimal numbers instead of binary ones.
"""
import decimal
import json
import random

import jsonschema

# Enough for every remainder of NUMBERS.
decimal.getcontext().prec = 60
WORDS = ["", "a", "ab", "abc", "b", "qty", "x_1", "é", "e\u0301", "💩", "a b", "A1", "0"]
NUMBERS = ["0", "-0", "1", "1.0", "10e-1", "2", "3", "-1", "0.1", "0.3", "1.5", "2.50", "100", "1e2", "1E+2", "1e20",
           "12345678901234567890", "-7.25", "0.000001"]
# The same to ECMA-262 and to Python's re, for WORDS.
PATTERNS = ["^a", "b$", "^a.c$", "[0-9]", "^[^a]*$", "^(a|ab)(c|bcd)?$", "^.{2,3}$", "^(a*)*$", "x_\\d+", "^$", "é", "a|b"]
NAMES = ["a", "ab", "b", "qty", "x_1", "é"]


class Cases:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pairs(self, schema_count, values_each):
        """(schema as text, [(value as text, whether it is valid)])"""
        for _ in range(schema_count):
            schema = self.file()
            text = write(schema, self.chance(0.5))
            parsed = parse(text)
            yield text, [(value, verdict(parsed, value)) for value in (self.value(3) for _ in range(values_each))]

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    # Schemas

    def file(self):
        schema = self.schema(3)
        if not isinstance(schema, dict):
            return schema
        schema["$defs"] = {"leaf": self.schema(1, refers=False), "a/b~c": self.schema(1, refers=False)}
        if self.chance(0.3):
            schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        return schema

    def schema(self, depth, refers=True):
        if self.chance(0.08):
            return self.pick(True, True, False)
        groups = [self.any, self.number, self.text]
        if depth > 0:
            groups += [self.array, self.array, self.object, self.object, self.together]
        schema = {}
        for group in self.random.sample(groups, self.random.randint(1, 2)):
            schema |= group(depth - 1, refers)
        if refers and self.chance(0.1):
            schema["$ref"] = self.pick("#/$defs/leaf", "#/$defs/a~1b~0c", "#/%24defs/leaf")
        if self.chance(0.1):
            schema |= {"title": "t", "default": [1], "format": "email", "$comment": "c"}
        return schema

    def any(self, depth, refers):
        types = ["null", "boolean", "integer", "number", "string", "array", "object"]
        return self.pick(
            {"type": self.pick(*types)}, {"type": self.pick(*types)},
            {"type": self.random.sample(types, self.random.randint(1, 3))},
            {"const": self.plain(2)}, {"enum": [self.plain(2) for _ in range(self.random.randint(1, 6))]})

    def number(self, depth, refers):
        bound = lambda: Raw(self.pick(*NUMBERS))
        return self.some({
            "minimum": bound, "maximum": bound, "exclusiveMinimum": bound, "exclusiveMaximum": bound,
            "multipleOf": lambda: Raw(self.pick("1", "2", "0.1", "0.01", "3", "1e2", "2.5"))})

    def text(self, depth, refers):
        return self.some({
            "minLength": lambda: self.pick(0, 1, 2, 3), "maxLength": lambda: self.pick(0, 1, 2, 3),
            "pattern": lambda: self.pick(*PATTERNS)})

    def array(self, depth, refers):
        inner = lambda: self.schema(depth, refers)
        return self.some({
            "items": inner, "prefixItems": lambda: [inner() for _ in range(self.random.randint(1, 3))],
            "contains": inner, "minContains": lambda: self.pick(0, 1, 2), "maxContains": lambda: self.pick(0, 1, 2),
            "minItems": lambda: self.pick(0, 1, 2), "maxItems": lambda: self.pick(1, 2, 3),
            "uniqueItems": lambda: self.pick(True, True, False)})

    def object(self, depth, refers):
        inner = lambda: self.schema(depth, refers)
        names = lambda: self.random.sample(NAMES, self.random.randint(1, 2))
        return self.some({
            "properties": lambda: {name: inner() for name in self.random.sample(NAMES, 3)},
            "patternProperties": lambda: {self.pick(*PATTERNS): inner() for _ in range(2)},
            "additionalProperties": inner, "propertyNames": inner, "required": names,
            "minProperties": lambda: self.pick(0, 1, 2), "maxProperties": lambda: self.pick(1, 2, 3),
            "dependentRequired": lambda: {self.pick(*NAMES): names()},
            "dependentSchemas": lambda: {self.pick(*NAMES): inner()}})

    def together(self, depth, refers):
        inner = lambda: self.schema(depth, refers)
        several = lambda: [inner() for _ in range(self.random.randint(1, 3))]
        return self.some({
            "allOf": several, "anyOf": several, "oneOf": several, "not": inner, "if": inner, "then": inner, "else": inner})

    def some(self, keywords):
        chosen = self.random.sample(list(keywords), self.random.randint(1, min(3, len(keywords))))
        return {name: keywords[name]() for name in chosen}

    # Values

    def plain(self, depth):
        return Raw(self.value(depth))

    def value(self, depth):
        kind = self.pick("number", "number", "string", "string", "word", *(["array", "object"] * 3 if depth > 0 else []))
        if kind == "number":
            return self.pick(*NUMBERS)
        if kind == "string":
            return json.dumps(self.pick(*WORDS), ensure_ascii=self.chance(0.5))
        if kind == "word":
            return self.pick("null", "true", "false")
        if kind == "array":
            return "[" + ",".join(self.value(depth - 1) for _ in range(self.random.randint(0, 4))) + "]"
        names = self.random.sample(NAMES + ["other", "e\u0301"], self.random.randint(0, 4))
        return "{" + ",".join(f"{json.dumps(name)}:{self.value(depth - 1)}" for name in names) + "}"


class Raw(str):
    """JSON text that stands in a schema as it is."""


def write(schema, ascii_only):
    if isinstance(schema, Raw):
        return str(schema)
    if isinstance(schema, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=ascii_only)}:{write(value, ascii_only)}"
                              for key, value in schema.items()) + "}"
    if isinstance(schema, list):
        return "[" + ",".join(write(value, ascii_only) for value in schema) + "]"
    return json.dumps(schema, ensure_ascii=ascii_only)


def parse(text):
    return json.loads(text, parse_float=decimal.Decimal)


def _is_integer(checker, value):
    if isinstance(value, decimal.Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer))


def verdict(schema, value):
    return VALIDATOR(schema).is_valid(parse(value))
