# Makes a bill of materials in CycloneDX of what `cargo metadata` prints: the crates that the program is built with, tests
# and benches apart. $tree is what `cargo tree` prints of them, $lock the text of Cargo.lock, $version that of the program,
# $time the date of the commit.

def purl: "pkg:cargo/\(.name)@\(.version)";

(.packages | map({(.id): .}) | add) as $package
| .resolve.root as $root
| ([$tree | scan("(?m)^(\\S+) v(\\S+)") | {("\(.[0]) \(.[1])"): true}] | add) as $listed
| [.packages[] | select($listed["\(.name) \(.version)"]) | .id] as $used
| ([$used[] | {(.): true}] | add) as $is_used
| (.resolve.nodes | map({(.id): [.deps[] | select(any(.dep_kinds[]; .kind != "dev") and $is_used[.pkg]) | .pkg]})
    | add) as $needs
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
