# Makes a bill of materials in CycloneDX of what `cargo metadata` prints: the crates that the program is built with, tests
# and benches apart. $lock is the text of Cargo.lock, $version that of the program, $time the date of the commit.

# The packages that those in the input need, with themselves.
def closure($needs): . as $known | ([.[] | $needs[.][]] + . | unique) as $all
  | if $all == $known then $all else $all | closure($needs) end;

def purl: "pkg:cargo/\(.name)@\(.version)";

(.packages | map({(.id): .}) | add) as $package
| (.resolve.nodes | map({(.id): [.deps[] | select(any(.dep_kinds[]; .kind != "dev")) | .pkg]}) | add) as $needs
| .resolve.root as $root
| ([$root] | closure($needs)) as $used
| ([$lock | scan("name = \"([^\"]+)\"\nversion = \"([^\"]+)\"\nsource = \"[^\"]+\"\nchecksum = \"([0-9a-f]+)\"")
    | {("\(.[0]) \(.[1])"): .[2]}] | add) as $sums
| ($package[$root] | .version = $version) as $program
| def ref($id): if $id == $root then $program | purl else $package[$id] | purl end;
{
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: {
    timestamp: $time,
    component: {
      type: "application", "bom-ref": ref($root), name: $program.name, version: $version, purl: ref($root),
      description: $program.description, licenses: [{expression: $program.license}]
    }
  },
  components: [$used[] | select(. != $root) | $package[.] | {
    type: "library", "bom-ref": purl, name, version, purl: purl, scope: "required",
    hashes: [{alg: "SHA-256", content: $sums["\(.name) \(.version)"]}],
    # Before SPDX expressions, cargo wrote a slash for OR.
    licenses: [{expression: (.license // "NOASSERTION" | gsub(" */ *"; " OR "))}]
  }] | sort_by(."bom-ref"),
  dependencies: [$used[] | {ref: ref(.), dependsOn: ([$needs[.][] | ref(.)] | unique)}] | sort_by(.ref)
}
