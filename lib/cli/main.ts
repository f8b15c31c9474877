#!/usr/bin/env node
import { Logger } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { processEnvironment } from '../options/environment.js';
import { runCommand } from './command.js';

Logger.overrideLogger(false); // what the library would log, the findings say
process.exitCode = await runCommand({
  args: process.argv.slice(2),
  variables: processEnvironment(),
  readFile: (path) => readFileSync(path, 'utf8'),
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
});
