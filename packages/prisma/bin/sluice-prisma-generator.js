#!/usr/bin/env node
import '../dist/generator.cjs'
