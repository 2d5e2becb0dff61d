import type { DatabaseAnalysis, DatabaseFinding } from '@sluice/core/database'
import { percent } from './cells.ts'
import { shownFile } from './terminal-report.ts'

/** Formats findings as annotations of GitHub Actions. */
export function githubReport(findings: readonly DatabaseFinding[]): string {
  return findings
    .map((finding) => {
      const [site] = finding.statements.flatMap(({ callSites }) => callSites)
      const place =
        site === undefined
          ? ''
          : ` file=${escapeProperty(shownFile(site.file))},line=${site.line},col=${site.column},`
      const level =
        finding.severity === 'high' ? 'error' : finding.severity === 'medium' ? 'warning' : 'notice'
      const title = `title=${escapeProperty(`${finding.code} ${finding.title}`)}`
      return `::${level}${place === '' ? ` ${title}` : `${place}${title}`}::${escapeData(messageOf(finding))}\n`
    })
    .join('')
}

/** Formats findings as Markdown, for a comment on a pull request. */
export function markdownReport({ database }: DatabaseAnalysis, findings: readonly DatabaseFinding[]): string {
  const head = `### sluice analyze: ${database.product} ${database.version}\n\n`
  if (findings.length === 0) return `${head}No findings.\n`
  const rows = findings.map(({ severity, code, title, savedShare }) => {
    return `| ${severity} | ${code} | \`${title.replaceAll('|', '\\|')}\` | ${savedShare === undefined ? '' : percent(savedShare)} |\n`
  })
  const details = findings.map((finding) => {
    const sql =
      finding.sql === undefined || finding.sql.length === 0
        ? ''
        : `\n\`\`\`sql\n${finding.sql.join(';\n')};\n\`\`\`\n`
    return `\n#### \`${finding.title}\`\n\n${finding.details.join('\n\n')}\n${sql}`
  })
  return `${head}| Severity | Code | Finding | Share of DB time |\n| --- | --- | --- | ---: |\n${rows.join('')}${details.join('')}`
}

/**
 * Formats findings as SARIF, for code scanning.
 *
 * Source: SARIF 2.1.0, OASIS standard.
 */
export function sarifReport(findings: readonly DatabaseFinding[]): string {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const log = {
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [
      {
        tool: {
          driver: { name: 'sluice', rules: codes.map((id) => ({ id })) },
        },
        results: findings.map((finding) => ({
          ruleId: finding.code,
          level: finding.severity === 'high' ? 'error' : finding.severity === 'medium' ? 'warning' : 'note',
          message: { text: messageOf(finding) },
          partialFingerprints: { 'sluice/v1': finding.key },
          locations: finding.statements
            .flatMap(({ callSites }) => callSites.slice(0, 1))
            .slice(0, 1)
            .map(({ file, line, column }) => ({
              physicalLocation: {
                artifactLocation: { uri: shownFile(file) },
                region: { startLine: line, startColumn: column },
              },
            })),
        })),
      },
    ],
  }
  return `${JSON.stringify(log, undefined, 2)}\n`
}

function messageOf({ title, details, sql }: DatabaseFinding): string {
  return [title, ...details, ...(sql ?? [])].join('\n')
}

/** Source: the workflow commands of GitHub Actions. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
