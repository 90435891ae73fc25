# Counts where a secret stands in the memory of a process: copies.py PID BASE64…
# Prints for each secret how often it was found, and in the memory of which regions.
import base64
import re
import sys

process = sys.argv[1]
secrets = [base64.b64decode(text) for text in sys.argv[2:]]
counts = [[] for _ in secrets]
with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
    for line in maps:
        start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
        region = line.split()[-1]
        if rights[0] != "r" or region in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
            continue
        start, end = int(start, 16), int(end, 16)
        try:
            memory.seek(start)
            content = memory.read(end - start)
        except OSError:
            continue
        for index, secret in enumerate(secrets):
            for found in re.finditer(re.escape(secret), content):
                counts[index].append(f"{start + found.start():x} of {region}")
for places in counts:
    print(len(places), *places, sep="; ")
