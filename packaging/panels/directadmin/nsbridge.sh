#!/bin/sh
# A hook of DirectAdmin: delivers the zone that DirectAdmin has created, written, renamed or deleted.
#
# Put a copy into each of these directories of /usr/local/directadmin/scripts/custom, as root:
# dns_create_post, dns_write_post, dns_raw_save_post, dns_delete_post, domain_change_post. The script looks at the name of
# its directory, and at these variables of DirectAdmin: `domain` or `DOMAIN`, the zone; `newdomain`, after a change of name.
#
# The zone is the file ZONE.db, never ZONE.db.signed. NSBRIDGE_ZONES names other directories of such files.
set -u
# nsbridge-panel and nsbridge.
PATH=${PATH:-/usr/bin:/bin}:/usr/local/bin

zone=${DOMAIN:-${domain:-}}

# Sets `file` to the file of a zone, if there is one.
find_file() {
  for directory in ${NSBRIDGE_ZONES:-/etc/bind /var/named /etc/namedb}; do
    file=$directory/$1.db
    [ ! -f "$file" ] || return 0
  done
  return 1
}

# Without a file, nsbridge says so.
deliver() {
  find_file "$1" || true
  nsbridge-panel directadmin sync --trust panel -- "$1" "$file"
}

delete() {
  nsbridge-panel directadmin zone delete --trust panel -- "$1"
}

case $0 in
  *dns_create_post* | *dns_write_post* | *dns_raw_save_post*) deliver "$zone" ;;
  *dns_delete_post*) delete "$zone" ;;
  *domain_change_post*)
    deliver "${newdomain:-}"
    status=$?
    # A zone with the old name may be there again.
    find_file "$zone" || delete "$zone" || status=$?
    exit "$status"
    ;;
  *)
    printf 'nsbridge: %s is in the directory of no hook that it knows\n' "$0"
    exit 64
    ;;
esac
