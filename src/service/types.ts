/** What a service is to be, whoever manages it. */
export interface ServiceSpec {
  /** Program and arguments; the program is an absolute path. */
  readonly command: readonly string[]
  /** Variables that it starts with. No secrets: the file is for everybody to read. */
  readonly variables: Readonly<Record<string, string>>
  /** The file with variables that are secret. It has to exist, since without keys the server would be open. */
  readonly envFile: string
  /** `server.drain_secs`. */
  readonly drainSecs: number
  /** Whom it runs as, for a service of the whole machine; else it is a service of whoever installs it. */
  readonly runAs?: { readonly user: string; readonly home: string } | undefined
  /** What it was made from, to be found again. */
  readonly flags: ServiceFlags
}

/** What a service was told when it was installed; the rest is in the configuration. */
export interface ServiceFlags {
  readonly host?: string | undefined
  readonly port?: string | undefined
  /** `--config`, absolute. */
  readonly config?: string | undefined
  /** Its folder, absolute, where that is not `.clinvk` of whoever looks: `CLINVK_HOME`, or that of whom it runs as. */
  readonly home?: string | undefined
  readonly demo?: boolean | undefined
}

/** A command of a service manager. */
export interface Step {
  readonly command: readonly string[]
  /** It fails where there is nothing to be done. */
  readonly mayFail?: boolean
  /** Done again and again until it fails: what it asks for is gone then. */
  readonly untilGone?: boolean
}

/** What a manager knows of our service. */
export interface ServiceState {
  /** It is started with the machine, or when its user logs in. */
  readonly enabled: boolean
  readonly running: boolean
  /** It ended and was not asked to. It may be started again. */
  readonly failed: boolean
  readonly pid?: number | undefined
  /** In the manager's own words. */
  readonly words: string
}

/** A service manager: what it reads, and what it has to be told. */
export interface Manager {
  readonly name: 'systemd' | 'launchd'
  /** Where the service's description is. */
  readonly file: string
  describe(spec: ServiceSpec): string
  /** Succeeds where the manager runs and listens to us. */
  readonly reach: Step
  /** Once the file is there. */
  readonly start: readonly Step[]
  /** While the file is still there. */
  readonly stop: readonly Step[]
  /** Once the file is gone. */
  readonly forget: readonly Step[]
  state(run: RunTool): Promise<ServiceState>
  /** The last lines of its log, as far as we may read them. */
  lastWords(run: RunTool): Promise<readonly string[]>
  /** What people want to do next, with the commands for it. */
  readonly next: readonly (readonly [what: string, command: string])[]
}

/** What a tool answered. */
export interface ToolOutcome {
  readonly ok: boolean
  readonly stdout: string
  /** What it complained of, in one line. */
  readonly complaint: string
}

/** Runs a tool. Never throws. */
export type RunTool = (command: readonly string[]) => Promise<ToolOutcome>
