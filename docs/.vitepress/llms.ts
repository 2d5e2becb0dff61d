import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import navigation from './navigation.json'

/** Lists in separate sections, as https://llmstxt.org specifies; those of the plugin are one level deeper. */
export const template = '# {title}\n\n{description}\n\n{details}\n\n{toc}\n'

/** @throws Error where a page of the sidebar is missing: the build fails. */
export async function finishLlmsTxt(outDir: string): Promise<void> {
  const path = join(outDir, 'llms.txt')
  const list = (await readFile(path, 'utf8')).replace(/^###/gm, '##')
  await writeFile(path, list)
  const full = await readFile(join(outDir, 'llms-full.txt'), 'utf8')
  for (const { text, items } of navigation.sidebar) {
    if (!list.includes(`\n## ${text}\n`)) throw new Error(`llms.txt has no section "${text}".`)
    for (const { link } of items) {
      if (!list.includes(`(${link}.md)`)) throw new Error(`llms.txt has no ${link}.`)
      if (!full.includes(`url: ${link}.md`) && !full.includes(`url: '${link}.md'`))
        throw new Error(`llms-full.txt has no ${link}.`)
    }
  }
}
