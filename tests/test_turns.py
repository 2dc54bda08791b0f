"""Members take turns; nobody's flood delays the others."""

import asyncio

import pytest

from bot.turns import FairQueue
from vectorstore.datatypes import UserError


async def test_a_flood_of_one_member_does_not_delay_another() -> None:
    """500 questions of one, one of another: the other is the next to be answered."""
    queue = FairQueue(workers=1, cooldown=0, most_per_member=500, most=1000)
    order: list[int] = []

    async def ask(member: int) -> None:
        async with queue.turn(member):
            await asyncio.sleep(0)
            order.append(member)

    flood = [asyncio.create_task(ask(1)) for _ in range(500)]
    await asyncio.sleep(0)
    other = asyncio.create_task(ask(2))
    await asyncio.gather(other, *flood)
    assert order.index(2) < 5
    assert len(order) == 501


async def test_no_more_than_the_workers_at_once() -> None:
    """However many wait."""
    queue = FairQueue(workers=2, cooldown=0)
    now = most = 0

    async def ask(member: int) -> None:
        nonlocal now, most
        async with queue.turn(member):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(ask(member) for member in range(20)))
    assert most == 2


@pytest.mark.parametrize(
    "members",
    [[1, 2, 3], [1, 1, 1, 2], [1, 2, 1, 2, 3, 1], [3, 3, 1, 2, 2, 2, 3, 1]],
    ids=lambda members: "".join(map(str, members)),
)
async def test_the_place_that_is_told_is_the_turn_that_comes(members: list[int]) -> None:
    """For every question in the queue, whoever asked how many."""
    queue = FairQueue(workers=1, cooldown=0, most_per_member=9, patience=0)
    order: list[int] = []
    places: dict[int, int] = {}
    all_told = asyncio.Event()

    async def ask(number: int, member: int) -> None:
        async def notice(place: int) -> None:
            places.setdefault(number, place)
            if len(places) == len(members):
                all_told.set()

        async with queue.turn(member, notice):
            order.append(number)
            await all_told.wait()

    tasks = [asyncio.create_task(ask(number, member)) for number, member in enumerate([0, *members])]
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert [places[number] for number in order[1:]] == list(range(1, len(members) + 1))


async def test_who_is_answered_soon_hears_of_no_queue() -> None:
    """A notice that is shorter-lived than a glance is noise."""
    queue = FairQueue(workers=1, cooldown=0, patience=60)
    told: list[int] = []

    async def notice(place: int) -> None:
        told.append(place)

    async def ask(member: int) -> None:
        async with queue.turn(member, notice):
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await asyncio.gather(*(ask(member) for member in range(5)))
    assert told == []


@pytest.mark.parametrize(
    ("most_per_member", "most", "told"), [(2, 100, "of yours"), (100, 2, "too many questions")]
)
async def test_too_many_waiting_questions_are_refused(most_per_member: int, most: int, told: str) -> None:
    """With a sentence for the member."""
    queue = FairQueue(workers=1, cooldown=0, most_per_member=most_per_member, most=most)
    gate = asyncio.Event()

    async def ask() -> None:
        async with queue.turn(1):
            await gate.wait()

    tasks = [asyncio.create_task(ask()) for _ in range(4)]
    await asyncio.sleep(0)
    gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
    assert len(refused) == 1
    assert told in str(refused[0])


async def test_a_member_waits_between_questions() -> None:
    """The clock is given, so that nobody sleeps here."""
    now = 100.0
    queue = FairQueue(workers=1, cooldown=5, clock=lambda: now)
    async with queue.turn(1):
        pass
    with pytest.raises(UserError, match="one question at a time"):
        async with queue.turn(1):
            pass
    async with queue.turn(2):
        pass
    now += 6
    async with queue.turn(1):
        pass


async def test_a_cancelled_question_gives_its_place_back() -> None:
    """Whether it was waiting or its turn had just come."""
    queue = FairQueue(workers=1, cooldown=0)
    gate = asyncio.Event()

    async def ask(member: int) -> None:
        async with queue.turn(member):
            await gate.wait()

    first, second, third = (asyncio.create_task(ask(member)) for member in (1, 2, 3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    assert queue.waiting == 1
    gate.set()
    await asyncio.gather(first, third)
    async with queue.turn(4):
        assert queue.waiting == 0
