// Finds the prose of Markdown and source files: paragraphs, cells, comments, sentences in strings, text of
// pages, names of tests. voice-ignore-file: it has examples of what it looks for.
/**
 * A piece of prose: its text, and for each character the line that it stands on. Code in it is masked with
 * `¤`.
 */
class Unit {
  constructor(kind, text, lines) {
    this.kind = kind
    this.text = text
    this.lines = lines
  }
}

const mask = (text) => '¤'.repeat(text.length)

/** Masks code spans, link targets, URLs, HTML tags and `{@link …}`. Lengths stay. */
function maskMarkup(text) {
  return text
    .replace(/(`+)[^`](?:.|\n)*?\1/g, (match) => (match.length > 400 ? match : mask(match)))
    .replace(/\]\([^)\s]*(?:\s+"[^"]*")?\)/g, (match) => `]${mask(match.slice(1))}`)
    .replace(/https?:\/\/[^\s)>|]+/g, mask)
    .replace(/<\/?[a-zA-Z][^>\n]*>/g, mask)
    .replace(/\{@[a-z]+\s+[^}]*\}/g, mask)
    .replace(/\$\{[^}]*\}/g, mask)
    .replace(/“[^”]{0,80}”|"[^"\n]{0,60}"/g, mask)
}

export function unitOf(kind, rows) {
  const texts = []
  const lines = []
  for (const { text, line } of rows) {
    if (texts.length > 0) {
      texts.push(' ')
      lines.push(line)
    }
    texts.push(text)
    for (let index = 0; index < text.length; index++) lines.push(line)
  }
  return new Unit(kind, maskMarkup(texts.join('')), lines)
}

export function markdownUnits(source) {
  const units = []
  let rows = []
  const flush = (kind = 'md') => {
    if (rows.length > 0) units.push(unitOf(kind, rows))
    rows = []
  }
  const all = source.split('\n')
  let at = 0
  if (all[0] === '---') {
    at = all.indexOf('---', 1) + 1
    if (at === 0) at = 1
  }
  let fence
  let isComment = false
  for (; at < all.length; at++) {
    const raw = all[at]
    const line = at + 1
    const opened = /^\s*(?:[-*+]\s+|\d+\.\s+|>\s*)*(`{3,}|~{3,})/.exec(raw)
    if (fence !== undefined) {
      if (opened?.[1].startsWith(fence)) fence = undefined
      continue
    }
    if (opened !== null) {
      flush()
      fence = opened[1]
      continue
    }
    if (isComment) {
      isComment = !raw.includes('-->')
      continue
    }
    if (/^\s*<!--/.test(raw)) {
      flush()
      isComment = !raw.includes('-->')
      continue
    }
    if (raw.trim() === '') {
      flush()
      continue
    }
    const heading = /^\s*#{1,6}\s+/.exec(raw)
    if (heading !== null) {
      flush()
      rows.push({ text: raw.slice(heading[0].length), line })
      flush('heading')
      continue
    }
    if (/^\s*\|/.test(raw)) {
      flush()
      if (/^\s*\|[\s|:-]+$/.test(raw)) continue
      for (const cell of maskMarkup(raw.replaceAll('\\|', '¤¤')).split('|')) {
        if (cell.trim() === '') continue
        rows.push({ text: cell.trim(), line })
        flush('cell')
      }
      continue
    }
    const item = /^\s*(?:[-*+]|\d+\.)\s+/.exec(raw)
    if (item !== null) {
      flush()
      rows.push({ text: raw.slice(item[0].length), line })
      continue
    }
    rows.push({ text: raw.trim().replace(/^>\s?/, ''), line })
  }
  flush()
  return units
}

// ---- source text

const DIRECTIVE =
  /^\s*(?:eslint|biome-ignore|prettier|@ts-|istanbul|c8|v8|#region|#endregion|@vite|@__PURE__|#__PURE__|webpack|voice-ignore|<reference|sourceMappingURL)/
const WORD_BEFORE_REGEX =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|instanceof|yield|await)$/

/** The comments, strings and JSX texts of JavaScript or TypeScript, with their offsets. */
function scan(source) {
  const found = []
  let at = 0
  let last = ''
  let lastWord = ''
  const readTemplate = (start) => {
    let index = start + 1
    while (index < source.length) {
      const char = source[index]
      if (char === '\\') index += 2
      else if (char === '`') {
        found.push({ type: 'string', start: start + 1, end: index, raw: source.slice(start + 1, index) })
        return index + 1
      } else if (char === '$' && source[index + 1] === '{') {
        let depth = 1
        index += 2
        while (index < source.length && depth > 0) {
          const inner = source[index]
          if (inner === '{') depth++
          else if (inner === '}') depth--
          else if (inner === '`') {
            index = readTemplate(index)
            continue
          } else if (inner === "'" || inner === '"') {
            const close = endOfString(index)
            if (close > 0) {
              index = close
              continue
            }
          }
          index++
        }
      } else index++
    }
    return source.length
  }
  const endOfString = (start) => {
    const quote = source[start]
    for (let index = start + 1; index < source.length; index++) {
      const char = source[index]
      if (char === '\\') index++
      else if (char === quote) return index + 1
      else if (char === '\n') return -1
    }
    return -1
  }
  while (at < source.length) {
    const char = source[at]
    const next = source[at + 1]
    if (char === '/' && next === '/') {
      const end = source.indexOf('\n', at)
      const stop = end < 0 ? source.length : end
      found.push({ type: 'line', start: at + 2, end: stop })
      at = stop
      continue
    }
    if (char === '/' && next === '*') {
      const end = source.indexOf('*/', at + 2)
      const stop = end < 0 ? source.length : end
      found.push({ type: 'block', start: at + 2, end: stop })
      at = stop + 2
      continue
    }
    if (char === "'" || char === '"') {
      const end = endOfString(at)
      if (end > 0) {
        found.push({ type: 'string', start: at + 1, end: end - 1, raw: source.slice(at + 1, end - 1) })
        at = end
        last = 'x'
        lastWord = ''
        continue
      }
    }
    if (char === '`') {
      at = readTemplate(at)
      last = 'x'
      lastWord = ''
      continue
    }
    if (char === '/' && !/[\w$)\]x]/.test(last === '' ? '(' : last)) {
      const end = endOfRegex(source, at)
      if (end > 0) {
        at = end
        last = 'x'
        continue
      }
    } else if (char === '/' && WORD_BEFORE_REGEX.test(lastWord)) {
      const end = endOfRegex(source, at)
      if (end > 0) {
        at = end
        last = 'x'
        continue
      }
    }
    if (/\s/.test(char)) {
      at++
      continue
    }
    lastWord = /[\w$]/.test(char) ? (/[\w$]/.test(source[at - 1] ?? '') ? lastWord + char : char) : ''
    last = char
    at++
  }
  return found
}

function endOfRegex(source, start) {
  let isClass = false
  for (let index = start + 1; index < source.length; index++) {
    const char = source[index]
    if (char === '\n') return -1
    if (char === '\\') index++
    else if (char === '[') isClass = true
    else if (char === ']') isClass = false
    else if (char === '/' && !isClass) {
      let end = index + 1
      while (/[a-z]/.test(source[end] ?? '')) end++
      return end
    }
  }
  return -1
}

const COMMON =
  /\b(?:the|a|an|is|are|was|were|not|no|of|to|for|with|and|or|it|its|this|that|cannot|must|has|have|be|by|from|than|what|who|so|all|only|there|which|when|where|if|until|but)\b/i
const SQL =
  /^\s*(?:select|insert|update|delete|create|alter|drop|with|begin|commit|rollback|explain|set|show|grant|revoke|truncate|pragma|vacuum|analyze|lock|declare|call|replace|merge|values|do|notify|listen|savepoint|release|where|and|or|from|join|on|order|group|returning|case|exists|comment|raise|execute|perform|if|return)\s+[A-Z("*]/

function isSentence(text) {
  if (text.length < 12 || text.length > 2000) return false
  if (/[{}]/.test(text.replace(/\$\{[^}]*\}/g, '')) && /\/\/|;|=>|catch|const /.test(text)) return false
  if (
    SQL.test(text) ||
    /^[./@#<]|^\w+:\/\//.test(text) ||
    /[{};]\s*$|=>|===|&&|\|\||\$\d|\(\)\s*\{|<\/|^\s*\(?[A-Z_]+\s/.test(text)
  )
    return false
  const words = text.replace(/\$\{[^}]*\}/g, ' x ').match(/[A-Za-z][A-Za-z'’-]*/g) ?? []
  if (words.length < 3) return false
  const plain = words.filter((word) => /^[A-Z]?[a-z'’-]+$/.test(word) || word === 'I' || word === 'A')
  return plain.length / words.length >= 0.6 && COMMON.test(text) && /\s/.test(text)
}

const TEST_CALL = /\b(?:it|test)(?:\.\w+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?)*\(\s*$/

export function sourceUnits(source, path) {
  const isTest = /\.(?:test|spec|test-d)\.[cm]?[jt]sx?$/.test(path)
  const starts = [0]
  for (let index = source.indexOf('\n'); index >= 0; index = source.indexOf('\n', index + 1))
    starts.push(index + 1)
  const lineOf = (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle] <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
  const units = []
  let pending = []
  const flushLines = () => {
    if (pending.length > 0) units.push(unitOf('comment', pending))
    pending = []
  }
  for (const part of scan(source)) {
    const line = lineOf(part.start)
    if (part.type === 'line') {
      const text = source.slice(part.start, part.end).trim()
      if (text === '' || DIRECTIVE.test(text) || looksLikeCode(text)) {
        flushLines()
        continue
      }
      const before = source.slice(starts[line - 1], part.start - 2)
      if (pending.length > 0 && (pending.at(-1).line !== line - 1 || before.trim() !== '')) flushLines()
      pending.push({ text, line })
      continue
    }
    if (part.type === 'block') {
      flushLines()
      units.push(...blockUnits(source.slice(part.start, part.end), line))
      continue
    }
    const raw = part.raw
    if (isTest && TEST_CALL.test(source.slice(Math.max(0, part.start - 300), part.start - 1))) {
      units.push(unitOf('test', [{ text: raw.replace(/\\(['"`])/g, '$1 ').slice(0, raw.length), line }]))
      continue
    }
    if (isTest || raw.includes('\n')) continue
    if (isSentence(raw)) units.push(unitOf('string', [{ text: raw.replace(/\\[nt]/g, '  '), line }]))
  }
  flushLines()
  if (/\.[jt]sx$/.test(path) && !isTest) {
    for (const match of source.matchAll(/>([^<>{}()=;`]{8,}?)(?=[<{])/g)) {
      const text = match[1]
      if ((text.match(/[A-Za-z]{2,}/g) ?? []).length < 2 || /[=&|]|\breturn\b|\bconst\b/.test(text)) continue
      const offset = match.index + 1 + (text.length - text.trimStart().length)
      units.push(unitOf('ui', [{ text: text.trim().replace(/\s+/g, ' '), line: lineOf(offset) }]))
    }
  }
  return units
}

function looksLikeCode(text) {
  return /[;{}]\s*$|^\s*(?:const|let|import|export|await|return|if \()\b.*[=({]|=>|^\s*[\w.]+\([^)]*\)\s*$|^\s*<\w/.test(
    text,
  )
}

/** Paragraphs of a block comment. `@example` and fences are code. */
function blockUnits(body, firstLine) {
  const units = []
  let rows = []
  const flush = () => {
    if (rows.length > 0 && /[A-Za-z]/.test(rows.map(({ text }) => text).join('')))
      units.push(unitOf('comment', rows))
    rows = []
  }
  let isExample = false
  let fence = false
  body.split('\n').forEach((raw, index) => {
    let text = raw
      .replace(/^\s*\*?\s?/, '')
      .replace(/^\*\s?/, '')
      .trim()
    const line = firstLine + index
    if (/^```/.test(text)) {
      fence = !fence
      return
    }
    if (fence) return
    if (text.startsWith('@')) {
      flush()
      isExample = text.startsWith('@example')
      text = text
        .replace(/^@(?:param|typeParam|template|property)\s+\S+\s*-?\s*/, '')
        .replace(/^@(?:returns?|throws|defaultValue|remarks|deprecated|see|privateRemarks)\s*/, '')
        .replace(/^@\w+\s*/, '')
    }
    if (isExample || text === '' || DIRECTIVE.test(text)) {
      if (text === '') flush()
      return
    }
    if (/^[-*+]\s/.test(text)) {
      flush()
      text = text.slice(2)
    }
    rows.push({ text, line })
  })
  flush()
  return units
}

// ---- hits
