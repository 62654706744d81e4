try:
    from actorflow.values import ValueMismatch, can_flow, check, convert
except ImportError:
    class ValueMismatch(Exception):
        path = expected = got = ""
    def check(value, type): pass
    def convert(value, type): return value
    def can_flow(a, b): return None
