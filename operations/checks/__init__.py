"""What the doctor looks at, one file for each part of the installation. Every function answers findings."""
