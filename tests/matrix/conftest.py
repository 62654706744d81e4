"""The witness's own asserts tell what they compare, as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.matrix.witness", "tests.matrix.tale")
