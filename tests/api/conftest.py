import pytest

from tests.api.server import Server


@pytest.fixture
def server(db: None) -> Server:
    """A server with a key of every scope, for an account of its own."""
    return Server()
