/** Whether there is such a process, be it ours or not. One that has ended and that nobody has waited for counts as well. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
