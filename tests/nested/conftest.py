"""The asserts that hold a run against the model tell what they compare."""

import pytest

pytest.register_assert_rewrite("tests.nested.played")
