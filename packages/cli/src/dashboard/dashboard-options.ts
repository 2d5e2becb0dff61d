import { UsageError } from '../command.ts'
import { DashboardClient } from './dashboard-client.ts'

/** Options that locate a dashboard, for `parseArgs`. */
export const dashboardOptions = {
  url: { type: 'string' },
  token: { type: 'string' },
  header: { type: 'string', multiple: true },
} as const

export const dashboardHelp = `  --url <url>           the dashboard: http://localhost:3000/_sluice, or the URL with a key that the app printed
                        (SLUICE_URL)
  --token <token>       sent as Authorization: Bearer <token>, for the app's \`authorize\` (SLUICE_TOKEN)
  --header <header>     additional header, 'Name: value'. Can be repeated`

interface DashboardArguments {
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly header?: readonly string[] | undefined
}

/** @throws UsageError */
export function dashboardOf(
  values: DashboardArguments,
  environment: NodeJS.ProcessEnv = process.env,
): DashboardClient {
  const url = values.url ?? environment.SLUICE_URL
  if (url === undefined || url === '')
    throw new UsageError(
      'expected --url with the URL of the dashboard, such as http://localhost:3000/_sluice',
    )
  const token = values.token ?? environment.SLUICE_TOKEN
  const headers = headersOf(values.header ?? [])
  if (token !== undefined && token !== '' && !headers.has('authorization'))
    setHeader(headers, 'authorization', `Bearer ${token}`)
  return new DashboardClient(url, headers)
}

/** @throws UsageError for an invalid header. */
export function headersOf(values: readonly string[]): Headers {
  const headers = new Headers()
  for (const text of values) {
    const colon = text.indexOf(':')
    if (colon < 1) throw new UsageError(`--header: expected 'Name: value', got "${text.split(/\s/, 1)[0]}"`)
    setHeader(headers, text.slice(0, colon).trim(), text.slice(colon + 1).trim())
  }
  return headers
}

/** The error does not contain the value, which can be a secret. */
function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {
    throw new UsageError(`--header: ${JSON.stringify(name)} has an invalid name or value`)
  }
}
