#!/bin/sh
# A hook of DirectAdmin: delivers the zone that DirectAdmin has created, written, renamed or deleted.
#
# Put a copy into each of these directories of /usr/local/directadmin/scripts/custom: dns_create_post, dns_write_post,
# dns_raw_save_post, dns_delete_post, domain_change_post. The script looks at the name of its directory, and at these
# variables of DirectAdmin: `domain` or `DOMAIN`, the zone; `newdomain`, after a change of name. It uses no other one, and
# passes none on: DirectAdmin may pass on variables of a request.
set -u

# Where nsbridge-panel and nsbridge are, the configuration, and where DirectAdmin has ZONE.db: on Debian, Red Hat, FreeBSD.
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
config=/etc/nsbridge/nsbridge.toml
directories='/etc/bind /var/named /etc/namedb'

PATH=$path
zone=${DOMAIN:-${domain:-}}

# Sets `file` to the file of a zone, if there is one: never ZONE.db.signed, since a signing primary makes its own signatures.
find_file() {
  for directory in $directories; do
    file=$directory/$1.db
    [ ! -f "$file" ] || return 0
  done
  return 1
}

panel() {
  env -i PATH="$path" nsbridge-panel directadmin "$@"
}

# Without a file, nsbridge says so.
deliver() {
  find_file "$1" || true
  panel sync --config "$config" --trust panel -- "$1" "$file"
}

delete() {
  panel zone delete --config "$config" --trust panel -- "$1"
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
