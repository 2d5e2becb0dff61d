// Prints how many tests of a JSON report of Vitest passed, failed and were skipped; on the other output,
// those that passed at a second try only. More of them than MAY_TRY_AGAIN count as failed: one is bad luck on
// a busy machine, many are a fault.
import { readFileSync } from 'node:fs'

const MAY_TRY_AGAIN = 3

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const files = report.testResults
// A file that fails before its first test is not in the counts of tests.
const broken = files.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
)
const again = files.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
    .map((test) => ({ name, ...test })),
)
for (const { name, fullName, failureMessages } of again) {
  console.error(`\nPassed at the second try only: ${name}: ${fullName}\n${failureMessages[0]}`)
}
const tooMany = again.length > MAY_TRY_AGAIN ? again.length : 0
if (tooMany > 0)
  console.error(`\nExpected at most ${MAY_TRY_AGAIN} tests to need a second try, not ${tooMany}.`)
console.log(
  report.numPassedTests - tooMany,
  report.numFailedTests + broken.length + tooMany,
  report.numPendingTests + (report.numTodoTests ?? 0),
  again.length,
)
