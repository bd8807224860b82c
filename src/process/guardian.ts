/**
 * Nothing can clean up after its own SIGKILL. So the first child brings a guardian along: a shell that holds
 * the other end of a pipe of ours, knows our groups, and ends them when the pipe closes, however we died.
 */

/** The environment variable by which descendants are found that have left their process group. */
export const MARKER_VARIABLE = 'CLINVK_CHILD'

const OURS = crypto.randomUUID()
let count = 0
let guardian: { write(line: string): void } | undefined

/** A value for {@link MARKER_VARIABLE} that no other child has. */
export function newMarker(): string {
  count += 1
  return `${OURS}.${count}`
}

/** Tells the guardian of a group that must not outlive us. */
export function watchOver(pid: number): void {
  if (process.platform === 'win32') return
  guardian ??= startGuardian()
  guardian.write(`+ ${pid}\n`)
}

/** Tells it that a group has ended. */
export function forget(pid: number): void {
  guardian?.write(`- ${pid}\n`)
}

// It ignores the signals that a terminal or a service manager sends to everyone, so that it outlives us by the
// second it needs. Strays are found by the marker where there is a /proc.
const SCRIPT = `
trap '' INT TERM HUP
live=' '
while read -r op pid; do
  case $op in
    +) live="$live$pid " ;;
    -) case $live in *" $pid "*) live="\${live%% $pid *} \${live#* $pid }" ;; esac ;;
  esac
done
[ "$live" = ' ' ] && exit 0
for pid in $live; do kill -TERM -- "-$pid" 2>/dev/null; done
sleep 1
for pid in $live; do kill -KILL -- "-$pid" 2>/dev/null; done
for file in $(grep -ls "${MARKER_VARIABLE}=$1" /proc/[0-9]*/environ 2>/dev/null); do
  pid=\${file#/proc/}
  kill -KILL "\${pid%/environ}" 2>/dev/null
done
exit 0
`

function startGuardian() {
  const proc = Bun.spawn({
    cmd: ['/bin/sh', '-c', SCRIPT, 'clinvk-guardian', OURS],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
  })
  proc.unref()
  return {
    write(line: string) {
      try {
        proc.stdin.write(line)
        proc.stdin.flush()
      } catch {
        // Without its guardian a run is as safe as any other program's; the next one is not worth more.
      }
    },
  }
}
