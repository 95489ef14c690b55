"""The registry: what was registered stays as it was, and names move in one step."""

import asyncio
import dataclasses
import json

import pytest
from sqlalchemy import select

from foregate.core import ArtifactError
from foregate.persistence import pack_folder, shipped_folder
from foregate.service.problems import Problem
from foregate.service.registry import registry as module
from foregate.service.registry.opened import folder_checksum
from foregate.service.registry.registry import CHAMPION, PRETRAINED, Registry
from foregate.service.store import tables
from foregate.service.store.database import Database
from foregate.service.store.failures import StoreError

WHO = {"source": "upload", "actor": "me"}


async def pieces(content, size=700):
    for i in range(0, len(content), size):
        yield content[i : i + size]


def test_versions_count_up_and_never_change(database, make, folder):
    """Each registration is the next version, with all that was said of it, for everybody."""

    async def main():
        registry = make(database)
        first = await registry.register("m", folder("a"), metrics={"mase": 0.5}, reference=b"ref", **WHO)
        second = await registry.register("m", folder("b"), **WHO)
        other = await registry.register("n", folder("c"), **WHO)
        assert [first.version, second.version, other.version] == [1, 2, 1]
        assert (first.metrics, first.reference, first.facts["mark"]) == ({"mase": 0.5}, b"ref", "a")
        stranger = make(database)
        assert await stranger.versions("m") == [first, second] == await registry.versions("m")
        assert await stranger.resolve("m", 1) == first
        assert await stranger.resolve("m", "2") == second
        assert [(each.name, each.versions) for each in await stranger.models()] == [("m", 2), ("n", 1)]

    asyncio.run(main())


def test_a_stream_is_as_good_as_a_folder(database, make, folder):
    """What is received in pieces is the same model as its folder."""

    async def main():
        registry, one = make(database), folder("a")
        sent = await registry.receive("m", pieces(b"".join(pack_folder(one))), actor="me")
        kept = await registry.register("m", one, **WHO)
        assert (sent.sha256, sent.size, sent.facts) == (kept.sha256, kept.size, kept.facts)

    asyncio.run(main())


def test_what_is_done_with_a_version_is_done_with_it_or_neither_is(database, make, folder):
    """Where what belongs to the same transaction fails, there is no version, and else there are both."""

    async def main():
        registry, content = make(database), b"".join(pack_folder(folder("a")))

        def fails(connection, version):
            raise KeyError(version.version)

        with pytest.raises(KeyError, match="1"):
            await registry.receive("m", pieces(content), actor="me", alias="champion", also=fails)
        assert await registry.models() == []
        seen = []
        await registry.receive("m", pieces(content), actor="me", alias="champion", also=lambda c, v: seen.append(v))
        assert [each.version for each in seen] == [1]
        assert registry.known_aliases("m") == {"champion": (1, 1)}

    asyncio.run(main())


def test_what_is_opened_is_what_was_registered(database, make, folder):
    """The folder that is opened has every byte of the one that was registered, whoever opens it."""

    async def main():
        registry, one = make(database), folder("a")
        version = await registry.register("m", one, **WHO)
        for each in (registry, registry, make(database)):
            opened = each.open(version)
            assert {p.name: p.read_bytes() for p in opened.iterdir()} == {p.name: p.read_bytes() for p in one.iterdir()}
        assert b"".join(pack_folder(opened)) == registry.packed(version).read_bytes()

    asyncio.run(main())


def test_a_model_of_several_targets_comes_in_by_no_door(sqlite, make, folder):
    """What one series, session or history cannot give has no version, whether it came as a stream or a folder."""

    async def several(packed, most_bytes):
        return {"kind": "model", "targets": ["load", "price"]}

    async def main():
        registry, one = make(sqlite, examine=several), folder("a")
        with pytest.raises(Problem, match=r"one target to be served, but got one of 2.*Fit a model for each"):
            await registry.register("m", one, **WHO)
        with pytest.raises(Problem, match="one target to be served"):
            await registry.receive("m", pieces(b"".join(pack_folder(one))), actor="me")
        assert await registry.models() == []

    asyncio.run(main())


@pytest.mark.parametrize("harm", ["change", "shorten", "lengthen", "remove"])
def test_what_is_damaged_is_not_opened(sqlite, make, folder, harm):
    """A file that was changed by one byte, or is gone, is an error of that version; another one can still be opened."""

    async def main():
        registry = make(sqlite)
        bad, good = [await registry.register("m", folder(mark), **WHO) for mark in "ab"]
        path = registry.blobs.path(bad.sha256)
        content = path.read_bytes()
        if harm == "remove":
            path.unlink()
        else:
            middle = len(content) // 2
            changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            path.write_bytes({"change": changed, "shorten": content[:-1], "lengthen": content + b"x"}[harm])
        with pytest.raises(ArtifactError, match=r"must be (there|as it was written), but"):
            registry.open(bad)
        assert registry.open(good).is_dir()

    asyncio.run(main())


def test_an_opened_folder_that_was_damaged_is_made_anew(sqlite, make, folder):
    """What lies unpacked from before is compared to the byte, and replaced if it differs."""

    async def main():
        registry = make(sqlite)
        version = await registry.register("m", folder("a"), **WHO)
        (registry.open(version) / "weights.safetensors").write_bytes(b"harm")
        assert (make(sqlite).open(version) / "weights.safetensors").read_bytes() != b"harm"

    asyncio.run(main())


def test_a_move_has_a_history_and_is_an_event(database, make, folder):
    """Every move of a name is there with who, when and why, and others can follow it."""

    async def main():
        registry = make(database, clock=iter(range(100, 200)).__next__)
        for mark in "ab":
            await registry.register("m", folder(mark), **WHO)
        await registry.move("m", CHAMPION, 1, actor="me", reason="first")
        await registry.move("m", CHAMPION, 2, actor="you", reason="better")
        await registry.remove("m", CHAMPION, actor="me", reason="done")
        moves = await registry.history("m")
        assert [(each.before, each.after, each.actor, each.reason) for each in moves] == [
            (2, None, "me", "done"),
            (1, 2, "you", "better"),
            (None, 1, "me", "first"),
        ]
        assert moves[0].at > moves[1].at > moves[2].at
        rows = await database.read(lambda c: c.execute(select(tables.events).order_by(tables.events.c.id)).all())
        assert [(row.kind, row.subject, json.loads(row.data)["after"]) for row in rows] == [
            ("alias", "m", 1),
            ("alias", "m", 2),
            ("alias", "m", None),
        ]

    asyncio.run(main())


def test_of_two_who_saw_the_same_one_moves(database, make, folder):
    """With the revision that was seen, a name moves only if nobody has moved it since; the other one gets 412."""

    async def main():
        one, two = make(database), make(database)
        for mark in "abc":
            await one.register("m", folder(mark), **WHO)
        seen = await one.move("m", CHAMPION, 1, actor="me", reason="", revision=0)
        asked = (r.move("m", CHAMPION, n, actor="me", reason="", revision=seen) for r, n in ((one, 2), (two, 3)))
        found = await asyncio.gather(*asked, return_exceptions=True)
        refused = [each for each in found if isinstance(each, Problem)]
        assert [each.status for each in refused] == [412]
        assert sorted(each for each in found if isinstance(each, int)) == [seen + 1]
        assert refused[0].facts["revision"] == seen + 1
        with pytest.raises(Problem, match="must have the revision 0"):
            await two.move("m", CHAMPION, 3, actor="me", reason="", revision=0)

    asyncio.run(main())


def test_a_revision_never_comes_back(database, make, folder):
    """A name that was taken away and given again has no revision that it had before."""

    async def main():
        registry = make(database)
        await registry.register("m", folder("a"), **WHO)
        seen = [await registry.move("m", "x", 1, actor="me", reason="")]
        for _ in range(3):
            await registry.remove("m", "x", actor="me", reason="")
            seen.append(await registry.move("m", "x", 1, actor="me", reason=""))
        assert len(set(seen)) == 4

    asyncio.run(main())


def test_a_move_to_where_it_is_is_none(database, make, folder):
    """Asking for what is so already changes nothing and says the same revision."""

    async def main():
        registry = make(database)
        await registry.register("m", folder("a"), alias="x", **WHO)
        first = await registry.move("m", "x", 1, actor="me", reason="")
        assert await registry.move("m", "x", 1, actor="me", reason="") == first
        assert len(await registry.history("m")) == 1

    asyncio.run(main())


def test_who_listens_hears_of_every_move(database, make, folder, monkeypatch):
    """A move is told here at once and elsewhere soon, once each, in order; a listener that fails harms none."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)

    async def main():
        here, there, heard = make(database), make(database), {"here": [], "there": []}
        for registry, name in ((here, "here"), (there, "there")):
            registry.on_move.append(lambda *told: 1 / 0)
            registry.on_move.append(lambda m, a, v, name=name: heard[name].append((m, a, v.version)))
            await registry.start()
        for mark in "ab":
            await here.register("m", folder(mark), **WHO)
        for number in (1, 2):
            await here.move("m", CHAMPION, number, actor="me", reason="")
            assert heard["here"][-1] == ("m", CHAMPION, number)
            for _ in range(200):
                if heard["there"][-1:] == heard["here"][-1:]:
                    break
                await asyncio.sleep(0.02)
            assert (await there.resolve("m")).version == number
        await asyncio.sleep(0.1)
        assert heard["here"] == heard["there"] == [("m", CHAMPION, 1), ("m", CHAMPION, 2)]
        await here.remove("m", CHAMPION, actor="me", reason="")
        await asyncio.sleep(0.2)
        for registry in (here, there):
            with pytest.raises(Problem, match="alias that is there"):
                await registry.resolve("m")
            await registry.stop()

    asyncio.run(main())


def test_the_poll_outlives_the_database(sqlite, make, monkeypatch):
    """While the database cannot be read, names stay as they are known, and are followed again afterwards."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)

    async def main():
        registry = make(sqlite)
        await registry.start()
        read, failing = sqlite.read, [True] * 5

        async def sometimes(work):
            if failing:
                failing.pop()
                raise StoreError("away")
            return await read(work)

        monkeypatch.setattr(sqlite, "read", sometimes)
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not failing:
                break
        assert not failing
        assert not registry._poll.done()
        await registry.stop()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("model", "which", "slug"),
    [("none", CHAMPION, "no-such-model"), ("m", 3, "no-such-version"), ("m", "x", "no-such-version")]
    + [("m", which, "no-such-version") for which in (0, -1, "0", "99999999999999999999", "١", "")]
    + [("../m", 1, "no-such-model"), ("m\0", 1, "no-such-model")],
)
def test_what_is_not_there_is_404(sqlite, make, folder, model, which, slug):
    """A model, version or name that is not there is told so, and what is odd is no more than not there."""

    async def main():
        registry = make(sqlite)
        await registry.register("m", folder("a"), **WHO)
        with pytest.raises(Problem) as raised:
            await registry.resolve(model, which)
        assert (raised.value.status, raised.value.slug) == (404, slug)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["", ".", "..", "../m", "m/x", "M", "ü", "a" * 65, "a\n", "a b", "a#b", "-a", "%2e"])
def test_odd_names_are_refused(sqlite, make, folder, name):
    """What is no name is none for a model nor for an alias, and nothing is written."""

    async def main():
        registry = make(sqlite)
        with pytest.raises(Problem, match=r"1 to 64 of a-z"):
            await registry.register(name, folder("a"), **WHO)
        assert await registry.models() == []
        await registry.register("m", folder("b"), **WHO)
        with pytest.raises(Problem, match=r"1 to 64 of a-z"):
            await registry.move("m", name, 1, actor="me", reason="")
        with pytest.raises(Problem, match="must not be a number"):
            await registry.move("m", "17", 1, actor="me", reason="")

    asyncio.run(main())


def test_a_move_to_nothing_is_refused(database, make, folder):
    """A name moves only to a version that is there, and is taken away only where it is."""

    async def main():
        registry = make(database)
        await registry.register("m", folder("a"), **WHO)
        for model, version in (("m", 2), ("n", 1)):
            with pytest.raises(Problem, match="must be a number or an alias that is there"):
                await registry.move(model, CHAMPION, version, actor="me", reason="")
        with pytest.raises(Problem, match="must be a number or an alias that is there"):
            await registry.remove("m", CHAMPION, actor="me", reason="")
        assert await registry.history("m") == []

    asyncio.run(main())


def test_what_is_no_model_leaves_nothing(sqlite, make):
    """What is refused leaves no version and no file."""

    async def main():
        registry = make(sqlite)
        for content in (b"", b"x" * 5000, bytes(10240)):
            with pytest.raises(ArtifactError):
                await registry.receive("m", pieces(content), actor="me")
        assert await registry.models() == []
        assert registry.blobs.used() == 0
        assert [p for p in (registry.blobs.folder / "tmp").iterdir() if p.is_file()] == []

    asyncio.run(main())


def test_a_model_that_is_too_large_is_refused_on_the_way(sqlite, make):
    """A stream that never ends is refused at the limit, and nothing is left."""

    async def main():
        registry, sent = make(sqlite, most_bytes=10_000), []

        async def endless():
            while True:
                sent.append(1000)
                yield bytes(1000)

        with pytest.raises(Problem, match="at most 10,000 bytes") as raised:
            await registry.receive("m", endless(), actor="me")
        assert raised.value.status == 413
        assert sum(sent) <= 11_000
        assert list((registry.blobs.folder / "tmp").iterdir()) == []

    asyncio.run(main())


def test_a_stream_that_breaks_off_leaves_nothing(sqlite, make, folder):
    """A connection that is cut in the middle of an upload leaves no version and no file."""

    async def main():
        registry = make(sqlite)

        async def cut():
            yield b"".join(pack_folder(folder("a")))[:1000]
            raise ConnectionResetError("gone")

        with pytest.raises(ConnectionResetError):
            await registry.receive("m", cut(), actor="me")
        assert await registry.models() == []
        assert list((registry.blobs.folder / "tmp").iterdir()) == []

    asyncio.run(main())


def test_many_at_once_get_numbers_of_their_own(database, make, folder):
    """Versions that are registered together, by several processes, have one number each, without gaps."""

    async def main():
        registries = [make(database) for _ in range(2)]
        made = await asyncio.gather(
            *(registries[i % 2].register("m", folder(f"m{i}"), alias="newest", **WHO) for i in range(10))
        )
        assert sorted(each.version for each in made) == list(range(1, 11))
        moves = await registries[0].history("m")
        assert [each.before for each in moves[:-1]] == [each.after for each in moves[1:]]

    asyncio.run(main())


def test_the_shipped_model_is_there_once(database, make):
    """However many processes start, however often, the shipped model is one version, and the champion."""

    async def main():
        found = await asyncio.gather(*(make(database).ensure_shipped() for _ in range(4)))
        registry = make(database)
        version = await registry.ensure_shipped()
        assert {(each.version, each.sha256) for each in found} == {(1, version.sha256)}
        assert (await registry.resolve(PRETRAINED)).is_pretrained
        assert len(await registry.history(PRETRAINED)) == 1
        assert {p.name: p.read_bytes() for p in registry.open(version).iterdir()} == {
            p.name: p.read_bytes() for p in shipped_folder("tiny").iterdir()
        }

    asyncio.run(main())


def test_newer_shipped_weights_replace_older_ones_and_nothing_else(sqlite, make, folder):
    """After an upgrade the champion moves on from shipped weights to shipped weights, but not from anybody's choice."""

    async def main():
        registry = make(sqlite)
        older = await registry.register(PRETRAINED, folder("old"), source="shipped", actor="foregate", alias=CHAMPION)
        newer = await registry.ensure_shipped()
        assert (await registry.resolve(PRETRAINED)) == newer != older
        own = await registry.register(PRETRAINED, folder("own"), alias=CHAMPION, **WHO)
        await sqlite.write(
            lambda c: c.execute(
                tables.model_versions.update()
                .where(tables.model_versions.c.version == newer.version)
                .values(sha256="0" * 64)
            )
        )
        again = make(sqlite)
        assert (await again.ensure_shipped()).version == 4
        assert (await again.resolve(PRETRAINED)) == own

    asyncio.run(main())


def test_litter_goes_and_what_is_named_stays(sqlite, make, folder, monkeypatch):
    """Old files that no version names are taken away; those of versions never are, and neither are young ones."""

    async def main():
        registry = make(sqlite)
        version = await registry.register("m", folder("a"), **WHO)
        litter = registry.blobs.put([b"litter"])
        assert await registry.sweep() == []
        for where in ("blobs", "opened"):
            monkeypatch.setattr(f"foregate.service.registry.{where}.LITTER_SECONDS", -1.0)
        left = registry.blobs.folder / "tmp" / "examine-x"
        (left / "deep").mkdir(parents=True)
        (left / "deep" / "file").write_bytes(b"")
        half = registry.blobs.folder / "open" / f"{version.sha256}.abcd"
        half.mkdir(parents=True)
        opened = registry.open(version)
        assert sorted(await registry.sweep()) == sorted([litter.sha256, left.name, half.name])
        assert opened.is_dir()
        assert registry.packed(version).is_file()

    asyncio.run(main())


def test_a_backup_is_a_registry(sqlite, make, folder, tmp_path):
    """A registry on the copy has every version and name of the one that was copied, to the byte."""

    async def main():
        registry = make(sqlite)
        for mark in "ab":
            version = await registry.register("m", folder(mark), alias=CHAMPION, **WHO)
        registry.backup(tmp_path / "copy")
        database = Database(f"sqlite:///{tmp_path / 'copy' / sqlite.path.name}")
        copy = Registry(database, tmp_path / "copy" / "models")
        assert await copy.versions("m") == await registry.versions("m")
        assert await copy.resolve("m") == version
        assert folder_checksum(copy.open(version)) == version.sha256
        database.close()

    asyncio.run(main())


def test_a_version_cannot_be_changed(sqlite, make, folder):
    """What was registered is frozen."""
    version = asyncio.run(make(sqlite).register("m", folder("a"), **WHO))
    with pytest.raises(dataclasses.FrozenInstanceError):
        version.version = 2
