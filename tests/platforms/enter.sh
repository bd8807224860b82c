# The first process of new namespaces, one of users among them: enters a tree of Debian. Where that is one for another
# processor QEMU runs its programs. Arguments: the tree, QEMU or nothing, the head of such programs and what of it counts,
# and the command.
set -e
root=$1 qemu=$2 magic=$3 mask=$4
shift 4

mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
ip link set lo up
if [ -n "$qemu" ]; then
  # The list of these namespaces alone, for as long as it is mounted: nothing of the machine is changed. "F" has QEMU opened
  # now, from outside of the tree.
  mount -t binfmt_misc binfmt_misc "$root/mnt"
  printf '%s' ":clinvk:M::$magic:$mask:$qemu:F" > "$root/mnt/register"
fi
exec chroot "$root" env -i PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 WINEDEBUG=-all "$@"
