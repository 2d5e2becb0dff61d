/**
 * Options that identify the database and the user, or determine how connections are opened. Any other can
 * change the form of results.
 */
const AROUND = new Set([
  ...['host', 'port', 'user', 'database', 'socketPath', 'localAddress', 'ssl', 'stream', 'pool', 'uri'],
  ...['password', 'password1', 'password2', 'password3', 'passwordSha1', 'insecureAuth', 'authPlugins'],
  ...['authSwitchHandler', 'connectTimeout', 'enableKeepAlive', 'keepAliveInitialDelay', 'compress'],
  ...['connectAttributes', 'infileStreamFactory', 'maxPreparedStatements', 'maxPacketSize', 'isServer'],
  ...['debug', 'trace', 'gracefulEnd'],
])

/**
 * Identifies the options of connections that change results. The same in every process with the same options.
 *
 * @returns `undefined` if one of them is a function, because those of two processes cannot be compared.
 */
export function mysql2Settings(options: object): string | undefined {
  const used = Object.entries(options).filter(([name]) => !AROUND.has(name))
  if (used.some(([, value]) => typeof value === 'function')) return undefined
  try {
    // The default `timezone` of `mysql2` is that of the process.
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
    return JSON.stringify([timeZone, used.sort(([a], [b]) => (a < b ? -1 : 1))])
  } catch {
    return undefined
  }
}
