-- Compares what was found (tarn_findings: entity, file, line, column_name, kind, severity, rule, value) with what
-- was damaged (tarn_faults: entity, file, line, column_name, kind, fault, original, damaged).
-- A fault and a finding that name the same cell, or the same row where one of them is about the row, belong together.

CREATE OR REPLACE TEMP TABLE tarn_fault_keys AS
SELECT row_number() OVER () AS fault_id, entity, file, coalesce(line, 0) AS line, column_name, kind, fault,
       original, damaged,
       -- what a shop's rules are expected to find all of
       kind IN ('null', 'type', 'duplicate', 'orphan', 'range', 'format')
           AND fault NOT IN ('near_duplicate', 'late_file', 'truncated_file', 'schema_change', 'encoding',
                             'case_variant', 'whitespace') AS structural,
       CASE WHEN coalesce(line, 0) = 0 THEN 'file'
            WHEN kind = 'duplicate' OR column_name IS NULL OR column_name = ''
                OR fault IN ('near_duplicate', 'encoding', 'truncated_file') THEN 'row'
            ELSE 'cell' END AS scope
FROM tarn_faults;

CREATE OR REPLACE TEMP TABLE tarn_finding_keys AS
SELECT row_number() OVER () AS finding_id, * FROM tarn_findings;

-- Pairs that belong together.
CREATE OR REPLACE TEMP TABLE tarn_pairs AS
SELECT f.fault_id, d.finding_id
FROM tarn_fault_keys AS f
JOIN tarn_finding_keys AS d ON d.file = f.file AND d.line = f.line
WHERE f.scope <> 'file'
  AND CASE
      -- a repeated row is found as such, not by what else is said about it
      WHEN f.kind = 'duplicate' THEN d.kind = 'duplicate'
      WHEN f.scope = 'row' THEN true
      ELSE d.kind IN ('rejected') OR (d.kind <> 'duplicate' AND f.column_name IN (SELECT unnest(string_split(d.column_name, ', '))))
      END
UNION ALL
SELECT f.fault_id, d.finding_id
FROM tarn_fault_keys AS f
JOIN tarn_finding_keys AS d ON d.file = f.file AND d.kind = 'rejected' AND d.line = 0
WHERE f.fault IN ('truncated_file', 'encoding');

CREATE OR REPLACE TEMP TABLE tarn_recall AS
SELECT entity, kind, fault, structural, count(*) AS injected,
       count_if(fault_id IN (SELECT fault_id FROM tarn_pairs)) AS found
FROM tarn_fault_keys
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE tarn_precision AS
SELECT entity, kind, count(*) AS findings,
       count_if(finding_id IN (SELECT finding_id FROM tarn_pairs)) AS true_findings
FROM tarn_finding_keys
GROUP BY ALL;
