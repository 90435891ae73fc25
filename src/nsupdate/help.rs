//! The text of the command `help`.

/// The commands, in nsupdate's wording.
pub(super) const COMMANDS: &str = "\
local address [port]      (set local resolver)
server address [port]     (set primary server for zone)
send                      (send the update request)
show                      (show the update request)
answer                    (show the answer to the last request)
quit                      (quit, any pending update is not sent)
help                      (display this message)
key [hmac:]keyname secret (use TSIG to sign the request)
gsstsig                   (use GSS_TSIG to sign the request)
oldgsstsig                (use Microsoft's GSS_TSIG to sign the request)
zone name                 (set the zone to be updated)
class CLASS               (set the zone's DNS class, e.g. IN (default), CH)
check-names { on | off }  (enable / disable check-names)
[prereq] nxdomain name    (require that this name does not exist)
[prereq] yxdomain name    (require that this name exists)
[prereq] nxrrset ....     (require that this RRset does not exist)
[prereq] yxrrset ....     (require that this RRset exists)
[update] add ....         (add the given record to the zone)
[update] del[ete] ....    (remove the given record(s) from the zone)
";
