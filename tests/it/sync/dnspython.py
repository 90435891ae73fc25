# Reads records with dnspython. Each line of input is `TYPE HEX TEXT`: a type, its data as octets, and as text.
# Prints for each line what dnspython makes of the text, in hexadecimal, and of the octets, as text; or `generic` if it does
# not know the form of the type, or `refused: ` and the reason, each; with a tab between them.
import sys

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

IN = dns.rdataclass.IN


def answer(read):
    try:
        return read()
    except Exception as error:  # dnspython raises whatever its parts raise
        return f"refused: {type(error).__name__}: {error}".replace("\n", " ").replace("\t", " ")


for line in sys.stdin.buffer:
    name, octets, text = line.decode("utf-8").rstrip("\n").split(" ", 2)
    try:
        rtype = dns.rdatatype.from_text(name)
        is_generic = dns.rdata.get_rdata_class(IN, rtype) is dns.rdata.GenericRdata
    except dns.rdatatype.UnknownRdatatype:
        is_generic = True
    if is_generic:
        print("generic\tgeneric")
        continue
    octets = bytes.fromhex(octets)
    to_wire = lambda: dns.rdata.from_text(IN, rtype, text, dns.name.root, False).to_wire(origin=dns.name.root).hex()
    to_text = lambda: dns.rdata.from_wire(IN, rtype, octets, 0, len(octets)).to_text()
    print(answer(to_wire) + "\t" + answer(to_text))
