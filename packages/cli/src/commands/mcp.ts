import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { type Command, EXIT, type Output, ownVersion, UsageError } from '../command.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'

const help = `sluice mcp --url <url> [options]

Serves the findings, slow queries, plans and index advice of a running app, and this documentation, to coding
agents: a Model Context Protocol server on standard input and output. Agents start it; you do not run it yourself.
The app can start later.

${dashboardHelp}
  --allow-actions       also offers tools that mute findings, set query budgets and clear the cache
  --help                prints this help

Exit codes: 0 the client closed the connection, 2 invalid arguments.
`

const options = { ...dashboardOptions, 'allow-actions': { type: 'boolean' } } as const

/** `sluice mcp` */
export const mcp: Command = {
  summary: 'serve the findings of a running app to coding agents (MCP)',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
    const client = dashboardOf(values)
    if (process.stdin.isTTY === true)
      throw new UsageError(
        'expected an MCP client on standard input. Add this command to the settings of your coding agent',
      )
    // Loaded here, so that other commands do not load the SDK.
    const [{ serveStdio }, { createMcpServer }, { readDocs }] = await Promise.all([
      import('@modelcontextprotocol/server/stdio'),
      import('../mcp/mcp-server.ts'),
      import('../mcp/docs-pages.ts'),
    ])
    const parts = {
      client,
      docs: await readDocs(),
      allowsActions: values['allow-actions'] === true,
      version: ownVersion(),
    }
    const handle = serveStdio(() => createMcpServer(parts), {
      onerror: (error) => output.err(`sluice mcp: ${error.message}\n`),
    })
    await finished(process.stdin, { writable: false }).catch(() => {})
    await handle.close()
    return EXIT.ok
  },
}
