import { CLIENT_NAMES } from './config/client-names.ts'
import { readSettings } from './config/settings.ts'

/** Says that the app has loaded no client that Sluice can attach to, and likely reasons. */
export function printNoClient(): void {
  if (readSettings(process.env).report !== 'stderr') return
  const clients = new Intl.ListFormat('en', { type: 'disjunction' }).format(CLIENT_NAMES)
  process.stderr.write(
    `sluice  attached to no client: the app has not loaded ${clients}. Likely reasons: another client, an app ` +
      'that is bundled with its client, or no code that uses it. Run npx sluice doctor\n',
  )
}
