"""A bad network between an engine and its clients: hears a line, and sends what is left of it on another."""

from __future__ import annotations

import asyncio
import random
import socket

from outcry_engine.feed.lines import hear, parse, receive


class Shuffler:
    """Loses, repeats and turns round the packets of a line. Use it as a context inside an event loop."""

    def __init__(self, line: str, onto: str, *, seed: int, loss: float) -> None:
        self._heard = hear(line, interface="lo")
        self._onto = parse(onto)
        self._random = random.Random(seed)
        self._loss = loss
        self._kept: list[bytes] = []
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        index = socket.if_nametoindex("lo").to_bytes(4, "little")
        self._out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + index)
        self.lost = 0

    def __enter__(self) -> Shuffler:
        asyncio.get_running_loop().add_reader(self._heard, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._heard)
        self._heard.close()
        self._out.close()

    def _pass_on(self) -> None:
        while (received := receive(self._heard)) is not None:
            if self._random.random() < self._loss:
                self.lost += 1
                continue
            copies = 2 if self._random.random() < 0.2 else 1
            self._kept.extend([received[0]] * copies)
        self._random.shuffle(self._kept)
        while len(self._kept) > self._random.randrange(4):
            self._out.sendto(self._kept.pop(), self._onto)
