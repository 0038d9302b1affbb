#!/usr/bin/env node
import '../dist/bundle/gateway.js';
