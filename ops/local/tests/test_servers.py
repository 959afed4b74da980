"""The embedded servers: durable, closed to others, and robust against what killed runs leave."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.local import children, testing
from ops.local.postgres import Postgres, end_leftover
from ops.local.servers import LONGEST_SOCKET_FOLDER, ServerError, private_folder, socket_folder
from ops.local.testing import locked, remove_leftovers
from ops.local.valkey import Valkey


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("open")
    for above in (folder, *folder.parents[:2]):  # pytest closes its folders; a checkout's are open
        above.chmod(0o711)
    server = Postgres(folder / "postgres")
    server.prepare()
    process = testing.start(server, folder / "log")
    server.create_database()
    yield server
    children.stop(process, stop_signal=server.abort_signal, seconds=5)
    server.remove()


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    folder = tmp_path_factory.mktemp("valkey")
    server = Valkey(folder / "valkey")
    server.prepare()
    process = testing.start(server, folder / "log")
    yield server
    children.stop(process, stop_signal=server.stop_signal, seconds=5)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_an_acknowledged_commit_is_on_disk(postgres: Postgres, setting: str) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_postgres_listens_on_no_network_address(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_only_the_user_who_started_postgres_is_let_in(postgres: Postgres) -> None:
    rules = [line for line in (postgres.data / "pg_hba.conf").read_text().splitlines() if line[0] != "#"]
    assert rules == ["local all all peer map=local"]
    assert postgres.data.stat().st_mode & 0o077 == 0
    assert postgres.sockets.stat().st_mode & 0o077 == 0


def test_the_service_is_no_superuser(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)


def test_creating_the_database_again_changes_nothing(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept ()")
    postgres.create_database()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_text_sorts_the_same_on_every_machine(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        provider = connection.execute(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert provider == ("b", "C.UTF-8", "UTF8")


def test_a_cluster_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    server = Postgres(tmp_path)
    private_folder(server.data, owner=os.geteuid())
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match=r"made by PostgreSQL 9.*make clean"):
        server.prepare()
    assert (server.data / "PG_VERSION").exists()


def test_a_process_that_has_got_the_number_of_a_dead_postgres_is_left_alone(postgres: Postgres) -> None:
    pid_file = postgres.folder / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    end_leftover(pid_file)
    assert not pid_file.exists()


def test_a_second_prepare_ends_the_postgres_of_a_killed_run(tmp_path: Path) -> None:
    template = testing.ensure_template()
    subprocess.run(["cp", "-Rp", str(template.data), str(tmp_path)], check=True)
    server = Postgres(tmp_path)
    server.prepare()
    left_over = testing.start(server, tmp_path / "log")
    server.prepare()
    assert left_over.wait(1) == 0
    server.remove()


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/tmp")
    with pytest.raises(ServerError, match="belongs to another user"):
        private_folder(tmp_path / "link", owner=os.geteuid())


@pytest.mark.parametrize("name", ["x" * 100, "with blank", "with,comma", "ünïcode"])
def test_a_socket_moves_to_a_short_folder_of_its_own_where_its_path_would_not_do(name: str) -> None:
    short = socket_folder(Path("/srv") / name / "sockets")
    assert len(str(short)) <= LONGEST_SOCKET_FOLDER
    assert short.name.startswith("gameproject-")
    assert short != socket_folder(Path("/srv") / (name + "2") / "sockets")


def test_a_socket_stays_in_the_checkout_where_it_can() -> None:
    assert socket_folder(Path("/srv/checkout/.local/sockets")) == Path("/srv/checkout/.local/sockets")


@pytest.mark.parametrize(("setting", "value"), [("appendonly", "yes"), ("maxmemory-policy", "noeviction")])
def test_valkey_forgets_nothing(valkey: Valkey, setting: str, value: str) -> None:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        assert client.config_get(setting) == {setting: value}


def test_valkey_answers_nobody_without_its_password(valkey: Valkey) -> None:
    with (
        redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert valkey.configuration.stat().st_mode & 0o077 == 0


def test_a_valkey_that_is_stopped_is_not_ready(tmp_path: Path) -> None:
    server = Valkey(tmp_path / "valkey")
    assert not server.is_ready()


def test_leftovers_of_killed_runs_are_removed_and_those_of_running_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "FOLDER", tmp_path)
    for name in ("killed", "running"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    with locked(tmp_path / "running" / "lock"):
        remove_leftovers()
    assert [path.name for path in tmp_path.iterdir()] == ["running"]
