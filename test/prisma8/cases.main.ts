import { BEHAVIOR_CASES } from './behavior-cases.ts'
import { CONTRACT_CASES } from './cases.ts'
import { MIDDLEWARE_CASES } from './middleware-cases.ts'

const [url = '', pattern = ''] = process.argv.slice(2)
for (const { name, run } of [...CONTRACT_CASES, ...BEHAVIOR_CASES, ...MIDDLEWARE_CASES]) {
  if (!name.includes(pattern)) continue
  let outcome: { readonly error: string } | { readonly skipped: string | undefined }
  try {
    outcome = { skipped: await run(url) }
  } catch (error) {
    outcome = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  process.stdout.write(`${JSON.stringify({ name, ...outcome })}\n`)
}
