"""The same seed gives the same run, time costs nothing, and a killed process runs nothing any more."""

from __future__ import annotations

import asyncio

import pytest

from e2e.simulation.chance import ROUGH, Chance
from e2e.simulation.errors import EndlessError, StalledError
from e2e.simulation.loop import BEGIN, SimulatedLoop, simulate
from e2e.simulation.processes import Process, current_process


async def three(order, steps=3):
    """Three processes that each write down when they run."""

    async def work(name):
        for step in range(steps):
            order.append((name, step))
            await asyncio.sleep(0)

    tasks = [Process(name).start(work(name)) for name in "abc"]
    await asyncio.gather(*tasks)


def order_of(seed):
    order: list[tuple[str, int]] = []
    simulate(three(order), Chance(seed))
    return order


def test_a_seed_decides_who_runs_and_each_process_keeps_its_order():
    orders = [order_of(seed) for seed in range(40)]
    assert orders == [order_of(seed) for seed in range(40)]
    assert len({tuple(order) for order in orders}) > 20
    for order in orders:
        for name in "abc":
            assert [step for who, step in order if who == name] == [0, 1, 2]


def test_within_a_process_tasks_begin_in_the_order_in_which_they_were_made():
    async def story():
        begun = []

        async def work(number):
            begun.append(number)

        async def main():
            await asyncio.gather(*map(work, range(20)))

        await Process("a").start(main())
        return begun

    assert all(simulate(story(), Chance(seed)) == list(range(20)) for seed in range(20))


def test_an_hour_takes_no_time_and_timers_keep_theirs():
    async def story():
        loop = asyncio.get_running_loop()
        ended = []

        async def wait(seconds):
            await asyncio.sleep(seconds)
            ended.append((seconds, loop.time() - BEGIN))

        await asyncio.gather(*map(wait, (3600, 0.5, 60)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return ended, loop.time() - BEGIN

    assert simulate(story(), Chance(1)) == ([(0.5, 0.5), (60, 60), (3600, 3600)], 3605)


def test_a_killed_process_runs_nothing_not_even_its_finally():
    ran = []

    async def story():
        process = Process("victim")

        async def work():
            try:
                ran.append("begun")
                await asyncio.sleep(1)
                ran.append("slept")
            finally:
                ran.append("finally")

        process.start(work())
        process.at_death(lambda: ran.append("told"))
        await asyncio.sleep(0.5)
        process.kill()
        process.kill()
        await asyncio.sleep(10)
        assert ran == ["begun", "told"]

    simulate(story(), Chance(1))
    assert ran[:2] == ["begun", "told"]


def test_a_process_is_known_to_its_tasks_and_to_what_they_begin():
    async def story():
        seen = []

        async def inner():
            await asyncio.sleep(0.1)
            seen.append(current_process().name)

        async def work():
            asyncio.get_running_loop().call_later(0.5, lambda: seen.append(current_process().name))
            await asyncio.create_task(inner())
            seen.append(await asyncio.to_thread(lambda: "thread"))

        process = Process("p")
        await process.start(work())
        await asyncio.sleep(1)
        return seen, current_process().name, process.failure

    assert simulate(story(), Chance(1)) == (["p", "thread", "p"], "world", None)


def test_the_failure_of_a_process_is_kept():
    async def story():
        async def work():
            raise ValueError("no")

        process = Process("p")
        process.start(work())
        await asyncio.sleep(1)
        return process.failure

    assert isinstance(simulate(story(), Chance(1)), ValueError)


def test_a_story_in_which_nothing_can_happen_any_more_says_so():
    async def story():
        await asyncio.Event().wait()

    with pytest.raises(StalledError):
        simulate(story(), Chance(1))


def test_a_story_without_an_end_says_so():
    async def story():
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def again():
            loop.call_soon(again)

        again()
        await ended.wait()

    with pytest.raises(EndlessError):
        simulate(story(), Chance(1), most_steps=1000)


def test_a_step_can_be_the_last_of_a_process():
    """At every step of the story once: the victim's counter stops exactly there."""
    reached = set()
    for fatal in range(2, 30):
        counted: list[int] = []

        victims: list[Process] = []

        async def story(counted=counted, victims=victims):
            async def work():
                while len(counted) < 10:
                    counted.append(len(counted))
                    await asyncio.sleep(0)

            victims.append(Process("victim"))
            victims[0].start(work())
            await asyncio.sleep(100)

        def before(step, fatal=fatal, victims=victims):
            if step == fatal:
                victims[0].kill()

        simulate(story(), Chance(3), before_step=before)
        reached.add(len(counted))
    assert reached >= set(range(1, 11))


def test_what_nobody_was_told_is_a_complaint():
    loop = SimulatedLoop(Chance(1))

    async def story():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    loop.run_until_complete(story())
    loop.close()
    assert "ZeroDivisionError" in loop.complaints[0]


def test_certain_answers_draw_nothing():
    one, two = Chance(7, ROUGH), Chance(7, ROUGH)
    assert not one.happens(0)
    assert [one.fraction() for _ in range(5)] == [two.fraction() for _ in range(5)]
    assert {Chance(1).seconds(), Chance(2).seconds()} == {0.0}
    assert 0 < max(one.seconds() for _ in range(200)) <= ROUGH.slow_seconds
    assert {one.between(3, 5) for _ in range(100)} == {3, 4, 5}
