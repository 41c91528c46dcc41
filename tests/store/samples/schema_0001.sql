-- A database that the version before leases wrote (schema 0001), killed while it was sending.
BEGIN TRANSACTION;
CREATE TABLE notifier_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT notifier_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "notifier_alembic_version" VALUES('0001');
CREATE TABLE notifier_events (
	id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	job_key TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	body TEXT, 
	CONSTRAINT notifier_events_pkey PRIMARY KEY (id)
);
INSERT INTO "notifier_events" VALUES('72e454e34ddbe9eca226d66f3dcb990a860702c61e32cae5c092216e7f59be11','tuning_job.started','111122223333/us-east-1/xgb-churn/1769857200',1769860800.0,'{"id":"72e454e34ddbe9eca226d66f3dcb990a860702c61e32cae5c092216e7f59be11","type":"tuning_job.started","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"xgb-churn","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":null,"best":null}');
INSERT INTO "notifier_events" VALUES('7e19e95f5b7f4392a6e9d3984900c0b532c79f795ae4ca4e7cc9c96a424e5c93','tuning_job.new_best','111122223333/us-east-1/xgb-churn/1769857200',1769860800.0,'{"id":"7e19e95f5b7f4392a6e9d3984900c0b532c79f795ae4ca4e7cc9c96a424e5c93","type":"tuning_job.new_best","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"xgb-churn","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":{"training_job_name":"xgb-001","status":"Completed","metric":{"name":"validation:auc","value":0.9},"hyperparameters":{"eta":"0.3","max_depth":"6"},"retried_attempt":null,"definition_name":null,"started_at":null,"ended_at":null},"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":null,"best":{"current":{"training_job_name":"xgb-001","metric_name":"validation:auc","value":0.9,"hyperparameters":{"eta":"0.3","max_depth":"6"}},"previous":null,"objective":"Maximize","improvement":null,"first_value":0.9}}');
INSERT INTO "notifier_events" VALUES('b40a2b6d82dceb3718448827f3d5ea18987bd77bd59aae7626f936d052fbe28b','tuning_job.status_changed','111122223333/us-east-1/xgb-churn/1769857200',1769860800.0,'{"id":"b40a2b6d82dceb3718448827f3d5ea18987bd77bd59aae7626f936d052fbe28b","type":"tuning_job.status_changed","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"xgb-churn","status":"Completed","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn","modified_at":null,"ended_at":"2026-01-31T12:00:00Z","failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":{"before":"InProgress","after":"Completed"},"best":null}');
INSERT INTO "notifier_events" VALUES('a8a6b6f573d3467a0b86f9663b03259d3677fc88c3f798edce4221da65b3e8fc','tuning_job.started','111122223333/us-east-1/job-00001/1769857200',1769860800.0,'{"id":"a8a6b6f573d3467a0b86f9663b03259d3677fc88c3f798edce4221da65b3e8fc","type":"tuning_job.started","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"job-00001","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00001","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":null,"best":null}');
INSERT INTO "notifier_events" VALUES('8a54397b85d9c4192712865d896f9f22b1fc3af351df65215c8d91026ef7ad62','tuning_job.started','111122223333/us-east-1/job-00002/1769857200',1769860800.0,'{"id":"8a54397b85d9c4192712865d896f9f22b1fc3af351df65215c8d91026ef7ad62","type":"tuning_job.started","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"job-00002","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00002","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":null,"best":null}');
INSERT INTO "notifier_events" VALUES('0738c5b509b9c0b2f774b4b102937168ff2a3a47e3dc5a2d9eef510f3113e4f2','tuning_job.started','111122223333/us-east-1/job-00003/1769857200',1769860800.0,'{"id":"0738c5b509b9c0b2f774b4b102937168ff2a3a47e3dc5a2d9eef510f3113e4f2","type":"tuning_job.started","time":"2026-01-31T12:00:00Z","job":{"account_id":"111122223333","region":"us-east-1","name":"job-00003","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00003","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null},"status":null,"best":null}');
INSERT INTO "notifier_events" VALUES('n1','notifier.watching','notifier.watching',1769860800.0,'{"id":"n1","type":"notifier.watching","time":"2026-01-31T12:00:00Z","title":"Watching 3 jobs","lines":["in one region"],"scope":null}');
CREATE TABLE notifier_holds (
	destination TEXT NOT NULL, 
	until DOUBLE, 
	since DOUBLE NOT NULL, 
	failures INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	probing BOOLEAN NOT NULL, 
	CONSTRAINT notifier_holds_pkey PRIMARY KEY (destination)
);
INSERT INTO "notifier_holds" VALUES('slack',1769860805.0,1769860800.0,2,'503','f',0);
CREATE TABLE notifier_jobs (
	"key" TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	region TEXT NOT NULL, 
	lower_name TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	completed INTEGER NOT NULL, 
	in_progress INTEGER, 
	retryable_error INTEGER NOT NULL, 
	non_retryable_error INTEGER NOT NULL, 
	stopped INTEGER NOT NULL, 
	pending INTEGER, 
	running INTEGER, 
	best_name TEXT, 
	best_value DOUBLE, 
	first_value DOUBLE, 
	told BOOLEAN NOT NULL, 
	described BOOLEAN NOT NULL, 
	watched BOOLEAN NOT NULL, 
	looked_at DOUBLE NOT NULL, 
	missing_since DOUBLE, 
	ended_at DOUBLE, 
	record TEXT, 
	CONSTRAINT notifier_jobs_pkey PRIMARY KEY ("key", scope)
);
INSERT INTO "notifier_jobs" VALUES('111122223333/us-east-1/xgb-churn/1769857200','111122223333/us-east-1/hyperparameter','111122223333','us-east-1','xgb-churn',1769857200,'xgb-churn','InProgress',4,2,0,0,0,NULL,NULL,'xgb-churn-001',0.9,NULL,1,1,1,0.0,NULL,NULL,'{"account_id":"111122223333","region":"us-east-1","name":"xgb-churn","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/xgb-churn","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null}');
INSERT INTO "notifier_jobs" VALUES('111122223333/us-east-1/job-00001/1769857200','111122223333/us-east-1/hyperparameter','111122223333','us-east-1','job-00001',1769857200,'job-00001','InProgress',4,2,0,0,0,NULL,NULL,NULL,NULL,NULL,1,1,1,0.0,NULL,NULL,'{"account_id":"111122223333","region":"us-east-1","name":"job-00001","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00001","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null}');
INSERT INTO "notifier_jobs" VALUES('111122223333/us-east-1/job-00002/1769857200','111122223333/us-east-1/hyperparameter','111122223333','us-east-1','job-00002',1769857200,'job-00002','InProgress',4,2,0,0,0,NULL,NULL,NULL,NULL,NULL,1,1,1,0.0,NULL,NULL,'{"account_id":"111122223333","region":"us-east-1","name":"job-00002","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00002","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null}');
INSERT INTO "notifier_jobs" VALUES('111122223333/us-east-1/job-00003/1769857200','111122223333/us-east-1/hyperparameter','111122223333','us-east-1','job-00003',1769857200,'job-00003','InProgress',4,2,0,0,0,NULL,NULL,NULL,NULL,NULL,1,1,1,0.0,NULL,NULL,'{"account_id":"111122223333","region":"us-east-1","name":"job-00003","status":"InProgress","created_at":"2026-01-31T11:00:00Z","arn":"arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/job-00003","modified_at":null,"ended_at":null,"failure_reason":null,"strategy":"Bayesian","objective_metric":"validation:auc","direction":"Maximize","directions":{},"best":null,"overall_best":null,"metric_definitions":null,"parameter_ranges":null,"counts":{"completed":4,"in_progress":2,"retryable_error":0,"non_retryable_error":0,"stopped":0,"pending":null,"running":null},"limits":{"max_training_jobs":20,"max_parallel_training_jobs":2,"max_runtime_seconds":null},"compute_hours":null,"runtime_seconds":null,"completion":null}');
CREATE TABLE notifier_orphans (
	destination TEXT NOT NULL, 
	since DOUBLE NOT NULL, 
	CONSTRAINT notifier_orphans_pkey PRIMARY KEY (destination)
);
INSERT INTO "notifier_orphans" VALUES('webhook',1769860800.0);
CREATE TABLE notifier_outbox (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	event_id TEXT NOT NULL, 
	destination TEXT NOT NULL, 
	job_key TEXT NOT NULL, 
	event_type TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_at DOUBLE NOT NULL, 
	repeated BOOLEAN NOT NULL, 
	alone_since DOUBLE, 
	final BOOLEAN NOT NULL, 
	best_value DOUBLE, 
	direction TEXT, 
	error TEXT, 
	created_at DOUBLE NOT NULL, 
	settled_at DOUBLE, 
	CONSTRAINT notifier_outbox_event_id_fkey FOREIGN KEY(event_id) REFERENCES notifier_events (id), 
	CONSTRAINT notifier_outbox_event_id_destination_key UNIQUE (event_id, destination)
);
INSERT INTO "notifier_outbox" VALUES(1,'72e454e34ddbe9eca226d66f3dcb990a860702c61e32cae5c092216e7f59be11','slack','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.started','settled',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,1769860800.0);
INSERT INTO "notifier_outbox" VALUES(2,'72e454e34ddbe9eca226d66f3dcb990a860702c61e32cae5c092216e7f59be11','webhook','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.started','sending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(3,'7e19e95f5b7f4392a6e9d3984900c0b532c79f795ae4ca4e7cc9c96a424e5c93','slack','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.new_best','pending',2,1769860805.0,1,NULL,0,0.9,'Maximize','timeout',1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(4,'7e19e95f5b7f4392a6e9d3984900c0b532c79f795ae4ca4e7cc9c96a424e5c93','webhook','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.new_best','pending',0,0.0,0,NULL,0,0.9,'Maximize',NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(5,'b40a2b6d82dceb3718448827f3d5ea18987bd77bd59aae7626f936d052fbe28b','slack','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.status_changed','pending',0,0.0,0,NULL,1,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(6,'b40a2b6d82dceb3718448827f3d5ea18987bd77bd59aae7626f936d052fbe28b','webhook','111122223333/us-east-1/xgb-churn/1769857200','tuning_job.status_changed','pending',0,0.0,0,NULL,1,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(7,'a8a6b6f573d3467a0b86f9663b03259d3677fc88c3f798edce4221da65b3e8fc','slack','111122223333/us-east-1/job-00001/1769857200','tuning_job.started','dead',1,0.0,0,NULL,0,NULL,NULL,'400 no_text',1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(8,'a8a6b6f573d3467a0b86f9663b03259d3677fc88c3f798edce4221da65b3e8fc','webhook','111122223333/us-east-1/job-00001/1769857200','tuning_job.started','pending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(9,'8a54397b85d9c4192712865d896f9f22b1fc3af351df65215c8d91026ef7ad62','slack','111122223333/us-east-1/job-00002/1769857200','tuning_job.started','discarded',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,1769860800.0);
INSERT INTO "notifier_outbox" VALUES(10,'8a54397b85d9c4192712865d896f9f22b1fc3af351df65215c8d91026ef7ad62','webhook','111122223333/us-east-1/job-00002/1769857200','tuning_job.started','pending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(11,'0738c5b509b9c0b2f774b4b102937168ff2a3a47e3dc5a2d9eef510f3113e4f2','slack','111122223333/us-east-1/job-00003/1769857200','tuning_job.started','pending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(12,'0738c5b509b9c0b2f774b4b102937168ff2a3a47e3dc5a2d9eef510f3113e4f2','webhook','111122223333/us-east-1/job-00003/1769857200','tuning_job.started','pending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
INSERT INTO "notifier_outbox" VALUES(13,'n1','slack','notifier.watching','notifier.watching','pending',0,0.0,0,NULL,0,NULL,NULL,NULL,1769860800.0,NULL);
CREATE TABLE notifier_pulse (
	name TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	CONSTRAINT notifier_pulse_pkey PRIMARY KEY (name)
);
INSERT INTO "notifier_pulse" VALUES('probe',1769860800.0);
CREATE TABLE notifier_scopes (
	"key" TEXT NOT NULL, 
	baseline_at DOUBLE, 
	complete_at DOUBLE, 
	full_at DOUBLE, 
	CONSTRAINT notifier_scopes_pkey PRIMARY KEY ("key")
);
INSERT INTO "notifier_scopes" VALUES('111122223333/us-east-1/hyperparameter',1769860740.0,1769860800.0,1769860800.0);
CREATE TABLE notifier_told (
	destination TEXT NOT NULL, 
	job_key TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	value DOUBLE, 
	CONSTRAINT notifier_told_pkey PRIMARY KEY (destination, job_key)
);
INSERT INTO "notifier_told" VALUES('slack','111122223333/us-east-1/xgb-churn/1769857200',1769860200.0,0.8);
CREATE INDEX notifier_events_job_key ON notifier_events (job_key);
CREATE INDEX notifier_outbox_job_key ON notifier_outbox (job_key);
CREATE INDEX notifier_outbox_settled_at ON notifier_outbox (settled_at);
CREATE INDEX notifier_outbox_unsettled ON notifier_outbox (destination, seq) WHERE state IN ('pending', 'sending', 'dead');
CREATE INDEX notifier_told_job_key ON notifier_told (job_key);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('notifier_outbox',13);
COMMIT;
