"""Holds packets for a while: two TUN devices, and what is sent into one comes out of the other later.

usage: delay.py DEVICE DEVICE MILLISECONDS JITTER

Each packet is held for that time, and up to JITTER longer or shorter, by chance: packets may overtake each other. The
kernel's own delay (netem) is a module that not every kernel has. Runs until its standard input ends; then the devices
are gone. A device that is down loses what is due to come out of it.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 1
IFF_NO_PI = 0x1000
PACKET_OCTETS_MAX = 65536


def device(name):
    """A new TUN device, as long as its descriptor is open."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def main():
    one, other = device(sys.argv[1]), device(sys.argv[2])
    delay, jitter = (float(text) / 1000 for text in sys.argv[3:5])
    numbers = random.Random(1)
    held = []  # (when it is due, where it goes, the packet)
    while True:
        timeout = max(0, held[0][0] - time.monotonic()) if held else None
        readable, _, _ = select.select([0, one, other], [], [], timeout)
        now = time.monotonic()
        for source, target in ((one, other), (other, one)):
            if source in readable:
                try:
                    packet = os.read(source, PACKET_OCTETS_MAX)
                except OSError:
                    continue  # it is down
                due = now + delay + numbers.uniform(-jitter, jitter)
                heapq.heappush(held, (due, target, packet))
        while held and held[0][0] <= now:
            _, target, packet = heapq.heappop(held)
            try:
                os.write(target, packet)
            except OSError:
                pass  # it is down, or has too much to take
        if 0 in readable and not os.read(0, 1):
            return


main()
