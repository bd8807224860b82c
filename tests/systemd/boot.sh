# The first process of new namespaces: makes of a tree of Debian what a machine has when its kernel starts the first
# program, and starts that. Arguments: the tree, the tests.
set -e
root=$1 tests=$2

mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$tests" "$root/opt/tests"
mount -o remount,bind,ro "$root/opt/tests"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
# In a control group namespace of its own, whose root this is: systemd may do there as it likes.
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  set -- $device
  mknod -m 666 "$root/dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

hostname clinvk-check
cd "$root"
mkdir -p old
# Not chroot: whoever is in one may make no user namespace, which the sandboxes of agents need.
pivot_root . old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'umount -l /old && exec /sbin/init'
